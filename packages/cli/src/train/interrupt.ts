import { isatty } from 'node:tty'
import { LockstepError } from '@lockstep/protocol'
import { stopSignals } from '../processes/stop-signals.ts'

/** The user's requests to stop: the first one stops after a checkpoint, the second one at once. */
export type Interrupt = {
  /** Aborted by the first request. */
  readonly signal: AbortSignal
  /** Resolves on the second request. */
  readonly insisted: Promise<void>
  readonly release: () => void
}

/** The answer to the first request. */
export const stopNotice = 'finishing the step, then a checkpoint; Ctrl-C again stops at once, without one'

/**
 * Whether the process has a terminal that can close. Under `nohup` it has none, and SIGHUP must be ignored here because
 * Node does not keep the ignored state that it inherits.
 */
const hasTerminal = [0, 1, 2].some(isatty)

/**
 * A program that ends a process group may also signal its members one by one, as `timeout` does. A second signal within
 * this time belongs to the same request.
 */
const sameRequestMs = 1_000

/** Listens for Ctrl-C and SIGTERM, and for SIGHUP if there is a terminal. */
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

/**
 * The result of work before a run begins. Rejects with `interrupted` on a request to stop: there is nothing to save
 * yet.
 */
export function unlessStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = new Promise<never>((_, reject) => {
    const leave = () => reject(new LockstepError('interrupted', 'interrupted before the run has begun'))
    if (stop.aborted) leave()
    stop.addEventListener('abort', leave)
  })
  return Promise.race([work, stopped])
}
