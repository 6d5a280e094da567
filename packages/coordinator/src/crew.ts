import { basename } from 'node:path'
import { type Cancel, type Clock, encodeMessage, LockstepError, type MessageOf, systemClock } from '@lockstep/protocol'
import { type AuditCounts, createConsequences } from './audit/consequences.ts'
import { createDirect, type Direct } from './direct/direct.ts'
import type { TopologyMode } from './direct/topology.ts'
import type { EventListener } from './events.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { superseded } from './life.ts'
import type { Answer } from './membership/answer.ts'
import { createGathering } from './membership/gathering.ts'
import { createMembership, type Membership } from './membership/membership.ts'
import type { Patience } from './membership/patience.ts'
import type { RunPlan } from './plan.ts'
import type { Lanes } from './shared-memory/lanes.ts'
import { createSharedMemory } from './shared-memory/shared-memory.ts'
import { type StepTiming, within } from './timing/step-timing.ts'
import { evaluationChunk } from './training/evaluation.ts'

/** Tasks that a worker holds at once: the one it computes and the next. */
const taskWindow = 2

/** How often to look for workers that are late. */
const lookEveryMs = 20

export const heartbeatMs = 300

/** What a worker waits for a coordinator that is silent, as after a suspended laptop, before it connects anew. */
const workerPatienceMs = 15_000

/** The workers of a run and the work they share. */
export type Crew = {
  readonly exchange: Exchange<Answer>
  readonly membership: Membership
  readonly direct: Direct
  readonly audits: () => AuditCounts
  /** Null where so many workers are active; else resolves when they are, and rejects when the crew is aborted. */
  readonly awaitWorkers: (wanted: number) => Promise<void> | null
  /** No more than so many workers will ever come: nobody waits for others. */
  readonly expect: (workers: number) => void
  readonly abort: (error: LockstepError) => void
  /** Stops watching the workers: no clock of the crew ticks any more. */
  readonly stop: () => void
}

export function createCrew(options: {
  readonly plan: RunPlan
  /** Of the run, which begins with this crew. */
  readonly life: number
  readonly token: string
  /** With fewer workers no further step is begun; 1 by default. */
  readonly quorum?: number
  /** How long to go on with no worker at all once there has been one. */
  readonly waitMs: number
  /** Whether workers of this machine are handed tensors in memory. */
  readonly shareMemory: boolean
  /** For workers of this machine; closed with the crew. */
  readonly lanes: Lanes | null
  readonly topology: TopologyMode
  /** Asks to stop after the step that is under way; at once when nobody works on it. */
  readonly stop: AbortSignal
  readonly timing: StepTiming
  readonly clock?: Clock
  readonly onEvent: EventListener
}): Crew {
  const { plan, life, waitMs, stop, timing, quorum = 1, clock = systemClock } = options
  const { nowMs } = clock
  const welcome = { ...welcomeTo(plan), life, direct: options.lanes === null && options.topology !== 'star' }
  const sharedMemory = options.shareMemory ? createSharedMemory(welcome.sizes, options.lanes?.name) : null
  const gathering = createGathering(() => membership.active())
  let stopped = false
  const consequences = createConsequences(() => membership, options.onEvent)
  const exchange = createExchange<Answer>(
    taskWindow,
    (workerId, task) => within(timing, 'prepare', () => membership.assign(workerId, task)),
    nowMs,
    consequences,
  )
  let stopWaiting: Cancel = () => undefined

  const membership = createMembership({
    token: options.token,
    welcome,
    sharedMemory,
    patience: patienceFor(plan, workerId => exchange.hangLimitMs(workerId)),
    nowMs,
    onEvent: options.onEvent,
    encodeState: () => encodeReplica(plan),
    onJoin: (workerId, url) => {
      stopWaiting()
      // Before it is given anything: no worker beside its members may hold a shard of a ring.
      direct.join(workerId, url)
      exchange.join(workerId)
      gathering.look()
    },
    onLeave: workerId => {
      timing.leave(workerId)
      direct.leave(workerId)
      exchange.leave(workerId)
      if (!stopped) noticeLoss(membership.active())
    },
    onReach: exchange.reach,
    onSuperseded: reason => abort(superseded(reason)),
    onTimes: timing.hear,
    onAnswer: (key, answer) => {
      direct.stir()
      return within(timing, 'receive', () => exchange.deliver(answer.workerId, key, answer))
    },
    onDirect: (workerId, message, tensors) =>
      within(timing, 'receive', () => direct.receive(workerId, message, tensors)),
  })
  const direct = createDirect({
    runId: plan.identity.runId,
    elements: plan.state.weights.length,
    send: membership.tell,
    step: () => plan.state.step,
    onBehind: workerId => {
      membership.restate(workerId)
      exchange.leave(workerId)
      exchange.join(workerId)
    },
    onPoisoned: membership.scatter,
    onLinked: workers => options.onEvent({ type: 'ring-linked', workers }),
    onOver: reason => options.onEvent({ type: 'ring-over', reason }),
    nowMs,
  })
  const watches = [
    clock.every(heartbeatMs, membership.tick),
    clock.every(lookEveryMs, exchange.look),
    clock.every(heartbeatMs, direct.look),
  ]
  stop.addEventListener('abort', stopIdling)

  function stopIdling(): void {
    if (membership.active() === 0 || gathering.isWaiting()) abort(interrupted())
  }

  function noticeLoss(active: number): void {
    const giveUpMs = active === 0 ? waitMs : null
    if (active === quorum - 1) options.onEvent({ type: 'short-of-workers', active, wanted: quorum, giveUpMs })
    if (active > 0) return
    if (stop.aborted) abort(interrupted())
    else stopWaiting = clock.after(waitMs, () => abort(noWorkers(waitMs)))
  }

  function awaitWorkers(wanted: number): Promise<void> | null {
    const waiting = gathering.await(wanted)
    if (waiting !== null && stop.aborted) abort(interrupted())
    return waiting
  }

  function abort(error: LockstepError): void {
    gathering.abort(error)
    exchange.abort(error)
  }

  return {
    exchange,
    membership,
    direct,
    audits: consequences.counts,
    abort,
    awaitWorkers,
    expect: gathering.expect,
    stop: () => {
      stopped = true
      for (const end of watches) end()
      stop.removeEventListener('abort', stopIdling)
      stopWaiting()
      sharedMemory?.close()
      options.lanes?.close()
    },
  }
}

function welcomeTo({
  identity,
  config,
  state,
  trainableSize,
  train,
}: RunPlan): Omit<MessageOf<'welcome'>, 'life' | 'workerId' | 'sharedMemory'> {
  const largestShard = Math.ceil(config.batchSize / config.shards)
  return {
    type: 'welcome',
    runId: identity.runId,
    // Where a model's file lies on this machine is nobody else's business.
    config: { ...config, model: basename(config.model) },
    topology: identity.topology,
    layoutHash: identity.layoutHash,
    sizes: {
      weights: state.weights.length,
      trainable: trainableSize,
      moments: state.optimizer.moments.length,
      bytesPerSample: train.pixels.length / train.count,
      maxSamples: Math.max(largestShard, evaluationChunk),
      gradientType: config.compress === 'none' ? 'float32' : config.compress,
    },
    heartbeatMs,
    silenceMs: workerPatienceMs,
  }
}

/** Weights, moments and step as they are now, for a worker that joins. */
function encodeReplica({ identity, state, trainableSize }: RunPlan): { step: number; frame: Uint8Array } {
  const { moments, powers } = state.optimizer
  const joined = new Float32Array(moments.length * trainableSize)
  for (const [index, moment] of moments.entries()) joined.set(moment, index * trainableSize)
  const { step } = state
  const message: MessageOf<'state'> = { type: 'state', runId: identity.runId, step, powers: [...powers] }
  return { step, frame: encodeMessage(message, { weights: state.weights, moments: joined }) }
}

function patienceFor({ state }: RunPlan, hangMs: Patience['hangMs']): Patience {
  const stateBytes = state.weights.byteLength * (1 + state.optimizer.moments.length)
  return {
    helloMs: 5_000,
    readyMs: 30 * 60_000,
    silenceMs: 5 * heartbeatMs,
    hangMs,
    queuedBytes: 16 * stateBytes + (64 << 20),
  }
}

/** What ends a wait for workers when the user asks to stop. */
function interrupted(): LockstepError {
  return new LockstepError('interrupted', 'interrupted while waiting for workers')
}

function noWorkers(waitMs: number): LockstepError {
  return new LockstepError('no-workers', `no worker has been there for ${waitMs / 1000} s`, {
    hint: 'Start workers and continue the run with --resume.',
  })
}
