import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { LockstepError, type MessageOf, type Trust } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { type Compute, startCompute } from './compute.ts'
import { runSession, type SessionEnd, type SessionOptions } from './session.ts'

export type WorkerOptions = {
  readonly url: string
  readonly trust?: Trust | undefined
  readonly token: string
  readonly name: string
  /** Where it computes, as people call it: `cpu`. */
  readonly device: string
  /** How long to try for a connection before giving up. */
  readonly waitMs: number
  /** Called before TensorFlow is loaded, with the threads that the run prescribes. */
  readonly provision: (threads: number) => Promise<Provisioned>
  readonly onEvent: (event: WorkerEvent) => void
  /** Makes the worker leave. */
  readonly signal: AbortSignal
}

export type WorkerEvent =
  | { readonly type: 'connected'; readonly workerId: number; readonly runId: string }
  | { readonly type: 'ready'; readonly backend: string }
  | { readonly type: 'lost'; readonly reason: string }
  /** The next attempt comes in `delayMs`; in `leftMs` the worker gives up. */
  | { readonly type: 'retrying'; readonly reason: string; readonly delayMs: number; readonly leftMs: number }

export type WorkerEnd = { readonly type: 'left' } | { readonly type: 'finished'; readonly reason: string }

/**
 * Works for the coordinator at a URL until the run ends, reconnecting when the connection is lost.
 * Throws `refused`, `run-failed`, `no-coordinator` when nobody answers for `waitMs`, or what the computation threw.
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerEnd> {
  const held = createHeldCompute(options)
  let lostAt = performance.now()
  let attempt = 0
  try {
    for (;;) {
      const end = await runSession(sessionOptions(options, held))
      const final = finalEnd(end)
      if (final !== null) return final
      const tookPart = end.type !== 'left' && end.tookPart
      if (tookPart) [lostAt, attempt] = [performance.now(), 0]
      const reason = end.type === 'lost' ? end.reason : 'the coordinator sent the worker away'
      if (tookPart) options.onEvent({ type: 'lost', reason })
      const leftMs = options.waitMs - (performance.now() - lostAt)
      if (leftMs <= 0) throw nobodyThere(options, reason)
      const delayMs = Math.min(backOffMs(attempt++), leftMs)
      options.onEvent({ type: 'retrying', reason, delayMs, leftMs })
      if (await interrupted(delayMs, options.signal)) return { type: 'left' }
    }
  } finally {
    await held.stop()
  }
}

/** Half a second, doubled up to 5 s, with a fifth of jitter so that many workers do not come back at once. */
function backOffMs(attempt: number): number {
  return Math.min(5000, 500 * 2 ** attempt) * (0.9 + 0.2 * Math.random())
}

function finalEnd(end: SessionEnd): WorkerEnd | null {
  if (end.type === 'left') return end
  if (end.type === 'lost') return null
  const { code, reason } = end.bye
  if (code === 'finished' || code === 'interrupted') return { type: 'finished', reason }
  if (code === 'failed') throw new LockstepError('run-failed', `the run has failed: ${reason}`)
  if (end.tookPart) return null
  throw new LockstepError('refused', `the coordinator refused this worker: ${reason}`)
}

async function interrupted(delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(delayMs, undefined, { signal })
    return false
  } catch (error) {
    if (signal.aborted) return true
    throw error
  }
}

type HeldCompute = {
  readonly layoutHash: () => string | null
  readonly prepare: SessionOptions['prepare']
  readonly stop: () => Promise<void>
}

/** Keeps the computing thread over reconnections to the same run. */
function createHeldCompute({ provision }: WorkerOptions): HeldCompute {
  let held: { readonly runId: string; readonly starting: Promise<Compute>; layoutHash: string | null } | null = null

  async function stop(): Promise<void> {
    const stopping = held
    held = null
    const started = await stopping?.starting.catch(() => null)
    await started?.stop()
  }

  async function prepare(welcome: MessageOf<'welcome'>): Promise<Compute> {
    if (held?.runId !== welcome.runId) {
      await stop()
      held = { runId: welcome.runId, starting: start(welcome), layoutHash: null }
    }
    const holding = held
    const compute = await holding.starting
    holding.layoutHash = compute.layoutHash
    return compute
  }

  async function start({ config, classes }: MessageOf<'welcome'>): Promise<Compute> {
    return startCompute({ config, classes, provisioned: await provision(config.threads) })
  }

  return { prepare, stop, layoutHash: () => held?.layoutHash ?? null }
}

function sessionOptions(options: WorkerOptions, held: HeldCompute): SessionOptions {
  const { url, trust, token, name, device, signal, onEvent } = options
  return {
    url,
    trust,
    token,
    name,
    device,
    signal,
    cores: availableParallelism(),
    layoutHash: held.layoutHash(),
    prepare: held.prepare,
    onWelcome: ({ workerId, runId }) => onEvent({ type: 'connected', workerId, runId }),
    onReady: backend => onEvent({ type: 'ready', backend }),
  }
}

function nobodyThere({ url, waitMs }: WorkerOptions, reason: string): LockstepError {
  return new LockstepError('no-coordinator', `no coordinator at ${url} for ${waitMs / 1000} s: ${reason}`, {
    hint: 'Start one with `pnpm cli coordinator --listen HOST:PORT --token-file FILE`, or give --wait SECONDS.',
  })
}
