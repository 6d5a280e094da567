import type { Updater } from '@lockstep/model'
import { createGradientFormat, createVectorPool, type PackedGradient } from '@lockstep/model/arithmetic'
import type { MessageOf } from '@lockstep/protocol'
import { createAudit } from '../audit/audit.ts'
import type { Direct } from '../direct/direct.ts'
import { createTopologyChoice, type TopologyChoice, type TopologyMode, type TopologyTrial } from '../direct/topology.ts'
import type { EventListener } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import type { EpochMetrics, StepMetrics } from '../metrics.ts'
import type { RunPlan } from '../plan.ts'
import type { Records } from '../records.ts'
import type { StepTiming } from '../timing/step-timing.ts'
import type { WorkerPool } from '../worker-pool.ts'
import type { ReductionTools } from './batch-gradient.ts'
import type { LossTrail } from './divergence.ts'

/** What a training works on, and what it uses. */
export type Training = Updater &
  Pick<RunPlan, 'config' | 'train' | 'validation' | 'state' | 'learningRateAt'> &
  ReductionTools & {
    readonly runId: string
    readonly exchange: Exchange<Answer>
    readonly direct: Direct
    readonly topology: TopologyChoice
    /** Sends the mean gradient of a step to every active worker. */
    readonly broadcast: (update: Omit<MessageOf<'update'>, 'slot'>, gradient: PackedGradient) => void
    /** Counts a worker's contribution to a step. */
    readonly credit: (workerId: number, samples: number) => void
    readonly activeWorkers: () => number
    /** Null where enough workers are active to continue; otherwise resolves when they are. */
    readonly awaitQuorum: () => Promise<void> | null
    /** Takes a checkpoint of the current state. */
    readonly checkpoint: () => Promise<void>
    /** Whether to take a checkpoint after this step, beside those at the end of each epoch. */
    readonly isCheckpointDue: (step: number) => boolean
    readonly losses: LossTrail
    readonly shouldStop: () => boolean
    readonly timing: StepTiming
    /** Called for each step, where steps are logged. */
    readonly onStep: (metrics: StepMetrics) => Promise<void>
    readonly onEpoch: (metrics: EpochMetrics) => Promise<void>
    readonly onEvent: EventListener
    readonly nowMs: () => number
  }

export type TrainingOptions = {
  readonly plan: RunPlan
  readonly topology: TopologyMode
  readonly topologyTrial?: TopologyTrial | undefined
  /** The fraction of shards that is audited. */
  readonly audit: number
  /** No step begins with fewer workers than this. */
  readonly quorum: number
  readonly losses: LossTrail
  /** Asks to stop after the current step. */
  readonly stop: AbortSignal
  readonly timing: StepTiming
  readonly nowMs: () => number
  readonly onEvent: EventListener
}

/** Sets up the training of a plan with this worker pool. Its progress goes to these records. */
export function setUpTraining(
  options: TrainingOptions,
  { exchange, membership, direct, awaitWorkers }: WorkerPool,
  { checkpointing, onStep, onEpoch }: Records,
): Training {
  const { plan, quorum, losses, stop, timing, nowMs, onEvent } = options
  const { identity, config, state, arithmetic } = plan
  const size = state.weights.length
  const format = createGradientFormat(config, arithmetic, size)
  return {
    ...plan,
    runId: identity.runId,
    exchange,
    direct,
    topology: createTopologyChoice({
      mode: options.topology,
      trial: options.topologyTrial,
      group: () => {
        direct.introduce()
        return direct.current()
      },
      allShareMemory: membership.allShareMemory,
      nowMs,
      onChoice: (topology, reason) => onEvent({ type: 'topology', topology, reason }),
    }),
    vectors: createVectorPool(() => arithmetic.allocate(size)),
    format,
    audit: createAudit(options.audit, config.seed, format, size),
    isTrusted: membership.isTrusted,
    broadcast: membership.broadcast,
    meanVector: step => {
      const memory = format.type === 'float32' ? membership.reserveMean(step) : null
      return memory && new Float32Array(memory.buffer, memory.byteOffset, size)
    },
    credit: membership.credit,
    activeWorkers: membership.active,
    awaitQuorum: () => awaitWorkers(quorum),
    checkpoint: checkpointing.take,
    isCheckpointDue: checkpointing.isDue,
    losses,
    shouldStop: () => stop.aborted,
    timing,
    onStep,
    onEpoch,
    onEvent,
    nowMs,
  }
}
