import { availableParallelism } from 'node:os'
import { backOffMs, interrupted, LockstepError, type Trust } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import type { PeerListen } from './direct/peer-listener.ts'
import { createFence, type Fence } from './fence.ts'
import { createHeldCompute, type HeldCompute } from './held-compute.ts'
import { hintFor } from './hints.ts'
import { runSession, type SessionEnd, type SessionOptions } from './session.ts'
import { systemWorld, type WorkerWorld } from './world.ts'

/** Short, because a coordinator that is restarted at once is back within a second. */
const firstPauseMs = 50

/** How long a coordinator may take to answer before it has welcomed the worker. */
const answerTimeoutMs = 5_000

export type WorkerOptions = {
  readonly url: string
  readonly trust?: Trust | undefined
  readonly token: string
  readonly name: string
  /** The name of the device on which it computes, for users, such as `cpu`. */
  readonly device: string
  /** Where to listen for other workers. */
  readonly peerListen?: PeerListen | undefined
  /** How long to try for a connection before giving up. */
  readonly waitMs: number
  /** The longest pause between two attempts; 5 s by default. */
  readonly longestPauseMs?: number
  /** Called before TensorFlow is loaded, with the number of threads that the run prescribes. */
  readonly provision: (threads: number) => Promise<Provisioned>
  readonly onEvent: (event: WorkerEvent) => void
  /** Makes the worker leave. */
  readonly signal: AbortSignal
}

export type WorkerEvent =
  | { readonly type: 'connected'; readonly workerId: number; readonly runId: string; readonly life: number }
  | { readonly type: 'ready'; readonly backend: string }
  | { readonly type: 'lost'; readonly reason: string }
  /** The next attempt starts in `delayMs`. The worker gives up in `leftMs`. */
  | { readonly type: 'retrying'; readonly reason: string; readonly delayMs: number; readonly leftMs: number }

export type WorkerEnd = { readonly type: 'left' } | { readonly type: 'finished'; readonly reason: string }

/**
 * Works for the coordinator at a URL until the run ends, and reconnects when the connection is lost. Throws `refused`,
 * `run-failed`, `no-coordinator` when nobody answers for `waitMs`, or what the computation threw.
 */
export async function runWorker(given: WorkerOptions, world: WorkerWorld = systemWorld): Promise<WorkerEnd> {
  let runId: string | null = null
  const onEvent: WorkerOptions['onEvent'] = event => {
    if (event.type === 'connected') runId = event.runId
    given.onEvent(event)
  }
  const options = { ...given, onEvent }
  const { clock, random } = world
  const pauses = { firstMs: firstPauseMs, longestMs: options.longestPauseMs ?? 5_000 }
  const fence = createFence()
  const held = createHeldCompute(options.provision, world.startCompute)
  let lostAt = clock.nowMs()
  let attempt = 0
  try {
    for (;;) {
      const end = await runSession(sessionOptions(options, held, fence, world))
      if (end.type === 'left') return end
      const finished = finalEnd(end)
      if (finished !== null) return finished
      const reason = describeLoss(end)
      if (end.welcomed) {
        options.onEvent({ type: 'lost', reason })
        lostAt = clock.nowMs()
        // A worker that is dropped repeatedly keeps its backoff growing.
        if (end.type === 'lost') attempt = 0
      }
      const leftMs = options.waitMs - (clock.nowMs() - lostAt)
      if (leftMs <= 0) throw nobodyThere(options, reason, runId)
      const delayMs = Math.min(backOffMs(attempt++, pauses, random), leftMs)
      options.onEvent({ type: 'retrying', reason, delayMs, leftMs })
      if (await interrupted(delayMs, options.signal, clock)) return { type: 'left' }
    }
  } finally {
    await held.stop()
  }
}

type Parting = Exclude<SessionEnd, { type: 'left' }>

/** How the worker ends with this session; null when it should reconnect. */
function finalEnd(end: Parting): WorkerEnd | null {
  if (end.type === 'lost') return null
  const { code, reason } = end.bye
  if (code === 'finished' || code === 'interrupted') return { type: 'finished', reason }
  if (code === 'failed') throw new LockstepError('run-failed', `the run has failed: ${reason}`)
  if (end.welcomed || code === 'superseded') return null
  throw new LockstepError('refused', `the coordinator refused this worker: ${reason}`)
}

function describeLoss(end: Parting): string {
  return end.type === 'lost' ? end.reason : `the coordinator dropped this worker: ${end.bye.reason}`
}

function sessionOptions(options: WorkerOptions, held: HeldCompute, fence: Fence, world: WorkerWorld): SessionOptions {
  const { url, trust, token, name, device, peerListen, signal, onEvent } = options
  return {
    url,
    trust,
    token,
    name,
    device,
    peerListen,
    signal,
    world,
    answerTimeoutMs,
    cores: availableParallelism(),
    prepare: held.prepare,
    refuseWelcome: fence,
    onHang: held.giveUp,
    onWelcome: ({ workerId, runId, life }) => onEvent({ type: 'connected', workerId, runId, life }),
    onReady: backend => onEvent({ type: 'ready', backend }),
  }
}

function nobodyThere({ url, waitMs }: WorkerOptions, reason: string, runId: string | null): LockstepError {
  return new LockstepError('no-coordinator', `no coordinator at ${url} for ${waitMs / 1000} s: ${reason}`, {
    hint: hintFor(reason, runId),
  })
}
