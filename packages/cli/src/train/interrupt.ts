import { isatty } from 'node:tty'
import { LockstepError } from '@lockstep/protocol'
import { stopSignals } from '../processes/stop-signals.ts'

/** How the user has asked to stop: once is a request, twice an order. */
export type Interrupt = {
  /** Aborted by the first request. */
  readonly signal: AbortSignal
  /** Resolves on the second request. */
  readonly insisted: Promise<void>
  readonly release: () => void
}

/** What is said to the first request. */
export const stopNotice = 'finishing the step, then a checkpoint; Ctrl-C again stops at once, without one'

/** Whether the process has a terminal that can go: under `nohup` it has none, and Node forgets that SIGHUP was to be ignored. */
const hasTerminal = [0, 1, 2].some(isatty)

/** Who ends a group of processes may tell its members by themselves as well, as `timeout` does: so soon it is the same request. */
const sameRequestMs = 1_000

/** Listens for Ctrl-C and its kin, and for the end of the terminal where there is one. */
export function listenForInterrupt(
  source: Pick<NodeJS.EventEmitter, 'on' | 'off'> = process,
  nowMs: () => number = () => performance.now(),
): Interrupt {
  let requestedAtMs = 0
  const request = new AbortController()
  let insist: () => void = () => undefined
  const insisted = new Promise<void>(resolve => {
    insist = resolve
  })
  const listener = (signal: NodeJS.Signals) => {
    if (signal === 'SIGHUP' && !hasTerminal) return
    if (request.signal.aborted) {
      const isSame = signal !== 'SIGINT' && nowMs() - requestedAtMs < sameRequestMs
      return isSame ? undefined : insist()
    }
    requestedAtMs = nowMs()
    request.abort()
  }
  for (const signal of stopSignals) source.on(signal, listener)
  return {
    signal: request.signal,
    insisted,
    release: () => {
      for (const signal of stopSignals) source.off(signal, listener)
    },
  }
}

/** The result of what comes before a run begins. Throws `interrupted` once it is asked to stop: there is nothing yet to save. */
export function unlessStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    const leave = () => reject(new LockstepError('interrupted', 'interrupted before the run has begun'))
    if (stop.aborted) leave()
    stop.addEventListener('abort', leave)
  })
  return Promise.race([work, stopped])
}
