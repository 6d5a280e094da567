import type { ImageSplit } from '@lockstep/data'
import type { LearningRateSchedule, Updater } from '@lockstep/model'
import type { PackedGradient } from '@lockstep/model/arithmetic'
import type { MessageOf, RunConfig } from '@lockstep/protocol'
import type { Direct } from '../direct/direct.ts'
import type { TopologyChoice } from '../direct/topology.ts'
import type { EventListener } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import type { EpochMetrics, StepMetrics } from '../metrics.ts'
import type { RunState } from '../run-state.ts'
import type { StepTiming } from '../timing/step-timing.ts'
import type { ReductionTools } from './batch-gradient.ts'
import type { LossTrail } from './divergence.ts'

/** What a training works on and with. */
export type Training = Updater &
  ReductionTools & {
    readonly runId: string
    readonly config: RunConfig
    readonly train: ImageSplit
    readonly validation: ImageSplit | null
    readonly state: RunState
    readonly learningRateAt: LearningRateSchedule
    readonly exchange: Exchange<Answer>
    readonly direct: Direct
    readonly topology: TopologyChoice
    /** Sends the mean gradient of a step to every active worker. */
    readonly broadcast: (update: Omit<MessageOf<'update'>, 'slot'>, gradient: PackedGradient) => void
    /** Counts what a worker has computed of a step that is taken. */
    readonly credit: (workerId: number, samples: number) => void
    readonly activeWorkers: () => number
    /** Null where enough workers are there to go on; else resolves when they are. */
    readonly awaitQuorum: () => Promise<void> | null
    /** Asks for a checkpoint of the state as it is now. */
    readonly checkpoint: () => Promise<void>
    /** Whether to ask for one after this step, beside those at the end of each epoch. */
    readonly isCheckpointDue: (step: number) => boolean
    readonly losses: LossTrail
    readonly shouldStop: () => boolean
    readonly timing: StepTiming
    /** Called where steps are logged. */
    readonly onStep: (metrics: StepMetrics) => Promise<void>
    readonly onEpoch: (metrics: EpochMetrics) => Promise<void>
    readonly onEvent: EventListener
    readonly nowMs: () => number
  }
