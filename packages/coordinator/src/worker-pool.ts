import { mapIntoArithmetic } from '@lockstep/model/arithmetic'
import { type Clock, type LockstepError, type SystemMemory, systemClock } from '@lockstep/protocol'
import { type AuditCounts, createDecisionHandler } from './audit/decision-handler.ts'
import { createDirect, type Direct } from './direct/direct.ts'
import type { TopologyMode } from './direct/topology.ts'
import type { EventListener } from './events.ts'
import { createExchange, type Exchange } from './exchange.ts'
import { createGracefulStop } from './graceful-stop.ts'
import type { Answer } from './membership/answer.ts'
import { createMembership, type Membership } from './membership/membership.ts'
import { heartbeatMs, timeoutsFor } from './membership/timeouts.ts'
import { createWaiting } from './membership/waiting.ts'
import { createReplicaEncoder, welcomeTo } from './membership/welcome.ts'
import type { RunPlan } from './plan.ts'
import { superseded } from './run-folder/life.ts'
import type { Lanes } from './shared-memory/lanes.ts'
import { createSharedMemory } from './shared-memory/shared-memory.ts'
import { type StepTiming, within } from './timing/step-timing.ts'

/** Tasks that a worker holds at once: the one that it computes, and the next. */
const taskWindow = 2

/** The workers of a run and the work they share. */
export type WorkerPool = {
  readonly exchange: Exchange<Answer>
  readonly membership: Membership
  readonly direct: Direct
  readonly audits: () => AuditCounts
  /**
   * Null where this many workers are active; otherwise resolves when they are, and rejects when the pool is aborted.
   */
  readonly awaitWorkers: (wanted: number) => Promise<void> | null
  /** No more than this many workers will ever join, so nothing waits for more. */
  readonly expect: (workers: number) => void
  readonly abort: (error: LockstepError) => void
  /** Training is over: a stop request no longer has a step to abandon. */
  readonly trained: () => void
  /** Stops watching the workers and clears the pool's timers. */
  readonly stop: () => void
}

export function createWorkerPool(options: {
  readonly plan: RunPlan
  /** The run's current life. A pool serves one life. */
  readonly life: number
  readonly token: string
  /** No step begins with fewer workers than this. */
  readonly quorum: number
  /** How long to wait for a worker after the last one was lost. */
  readonly waitMs: number
  readonly hasLocalWorkers?: boolean
  /** Whether workers on this machine get tensors through shared memory. */
  readonly shareMemory: boolean
  readonly systemMemory?: SystemMemory | null
  /** For workers on this machine; closed together with the pool. */
  readonly lanes: Lanes | null
  readonly topology: TopologyMode
  /** Asks to stop after the current step; at once when no worker computes it, and also when it makes no progress. */
  readonly stop: AbortSignal
  readonly timing: StepTiming
  readonly clock?: Clock
  readonly onEvent: EventListener
}): WorkerPool {
  const { plan, life, waitMs, stop, timing, quorum, clock = systemClock } = options
  const { nowMs } = clock
  const welcome = { ...welcomeTo(plan), life, direct: options.lanes === null && options.topology !== 'star' }
  const { systemMemory = null } = options
  const mapper = systemMemory === null ? null : mapIntoArithmetic(systemMemory, plan.arithmetic)
  const sharedMemory = options.shareMemory ? createSharedMemory(welcome.sizes, options.lanes?.name, mapper) : null
  const waiting = createWaiting({
    active: () => membership.active(),
    isOneJoining: () => membership.isOneJoining(),
    // Local workers report this in more detail to the process that started them, and that process ends the run.
    isUncomputable: () => !options.hasLocalWorkers && membership.isUncomputable(),
    quorum,
    waitMs,
    stop,
    clock,
    onEvent: options.onEvent,
    onEnd: abort,
  })
  const gracefulStop = createGracefulStop({
    stop,
    stepMs: () => meanStepMs(plan),
    clock,
    onEnd: error => {
      options.onEvent({ type: 'abandoned', step: plan.state.step, reason: error.message })
      abort(error)
    },
  })
  const decisions = createDecisionHandler(() => membership, options.onEvent)
  const exchange = createExchange<Answer>(
    taskWindow,
    (workerId, task) => within(timing, 'prepare', () => membership.assign(workerId, task)),
    clock,
    decisions,
  )

  const membership = createMembership({
    token: options.token,
    welcome,
    sharedMemory,
    timeouts: timeoutsFor(plan, {
      hangMs: workerId => exchange.hangLimitMs(workerId),
      // Shards of the next step are submitted early and only become due when the update before them has been sent.
      dueTask: workerId => {
        const due = exchange.dueTask(workerId)
        return due === null || due.task.step > plan.state.step ? null : due
      },
    }),
    nowMs,
    onEvent: options.onEvent,
    encodeState: createReplicaEncoder(plan),
    onJoin: (workerId, url) => {
      // Must come before the worker gets a task: only members of a group may hold a shard of that group.
      direct.join(workerId, url)
      exchange.join(workerId)
      waiting.joined()
    },
    onLeave: (workerId, failure) => {
      timing.leave(workerId)
      direct.leave(workerId)
      exchange.leave(workerId)
      waiting.left(failure)
    },
    onHang: exchange.noteHang,
    onReach: (workerId, step) => {
      direct.hearHeartbeat(workerId)
      exchange.reach(workerId, step)
    },
    onSuperseded: reason => abort(superseded(reason)),
    onTimes: timing.hear,
    awaits: exchange.awaits,
    onAnswer: (key, answer) => {
      gracefulStop.progressed()
      direct.noteProgress(answer.workerId)
      return within(timing, 'receive', () => exchange.deliver(answer.workerId, key, answer))
    },
    onDirect: (workerId, message, tensors) => {
      gracefulStop.progressed()
      return within(timing, 'receive', () => direct.receive(workerId, message, tensors))
    },
  })
  const direct = createDirect({
    runId: plan.identity.runId,
    elements: plan.state.weights.length,
    send: membership.tell,
    step: () => plan.state.step,
    onBehind: workerId => {
      membership.resendState(workerId)
      exchange.leave(workerId)
      exchange.join(workerId)
    },
    onUnusableMean: membership.dropAll,
    onUnanswered: membership.drop,
    onLinked: workers => options.onEvent({ type: 'group-linked', workers }),
    onOver: (cause, reason) => options.onEvent({ type: 'group-over', cause, reason }),
    nowMs,
  })
  const watches = [clock.every(heartbeatMs, membership.tick), clock.every(heartbeatMs, direct.look)]

  function abort(error: LockstepError): void {
    waiting.abort(error)
    exchange.abort(error)
  }

  return {
    exchange,
    membership,
    direct,
    audits: decisions.counts,
    abort,
    awaitWorkers: waiting.await,
    expect: waiting.expect,
    trained: gracefulStop.close,
    stop: () => {
      waiting.close()
      gracefulStop.close()
      exchange.stop()
      for (const end of watches) end()
      sharedMemory?.close()
      options.lanes?.close()
    },
  }
}

/** Mean over all steps of the run; 0 before the first. */
function meanStepMs({ state: { step, history } }: RunPlan): number {
  return step === 0 ? 0 : (1000 * history.trainSeconds) / step
}
