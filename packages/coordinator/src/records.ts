import { createCheckpointCopier } from '@lockstep/model'
import { describeInLine, LockstepError } from '@lockstep/protocol'
import { createCheckpointTimes } from './checkpoints/checkpoint-times.ts'
import { type Checkpointing, createCheckpointing } from './checkpoints/checkpointing.ts'
import { isDiskTrouble } from './disk/atomic-file.ts'
import type { EventListener } from './events.ts'
import type { EpochMetrics, StepMetrics } from './metrics.ts'
import type { RunPlan } from './plan.ts'
import type { RunFolder } from './run-folder/run-folder.ts'
import { checkpointOf, hasFiniteWeights } from './run-state.ts'
import { divergedAt, type LossTrail } from './training/divergence.ts'
import { byValidationLoss } from './training/history.ts'

/** What a run puts on the disk while it goes on. A disk that fails is told of and tried again: it does not end the run. */
export type Records = {
  readonly checkpointing: Checkpointing
  readonly onStep: (metrics: StepMetrics) => Promise<void>
  readonly onEpoch: (metrics: EpochMetrics) => Promise<void>
  /** Resolves when the last checkpoint and all metrics are on disk; throws what they fail with once more. */
  readonly settle: () => Promise<void>
  /** Keeps what a run that fails has learnt; where that cannot be, it is told why. */
  readonly saveBeforeFailing: () => Promise<void>
}

export type RecordsOptions = {
  readonly plan: RunPlan
  readonly folder: RunFolder
  readonly losses: LossTrail
  /** Between checkpoints within an epoch; 0 for none. */
  readonly checkpointEvery: number
  readonly checkpointMinutes: number
  readonly nowMs: () => number
  readonly onEvent: EventListener
}

export function createRecords(options: RecordsOptions): Records {
  const { plan, folder, losses, onEvent } = options
  const troubles = createTroubles(onEvent)
  const copyCheckpoint = createCheckpointCopier()
  const everyMs = options.checkpointMinutes * 60_000
  const checkpointing = createCheckpointing({
    copy: () => {
      refuseDiverged(plan, losses)
      const { identity, state } = plan
      const best = byValidationLoss(state.history.epochs).map(({ step }) => step)
      return { checkpoint: copyCheckpoint(checkpointOf(identity, state)), best }
    },
    write: async ({ checkpoint, best }) => {
      // Steps are told by their lines alone: of those that a checkpoint knows none may be lost with the process.
      await passMetrics(folder.settleMetrics())
      const path = await folder.writeCheckpoint(checkpoint, best).catch(error => {
        troubles.failed('checkpoint', error)
        throw error
      })
      troubles.worked('checkpoint')
      onEvent({ type: 'checkpoint', path, step: checkpoint.step })
    },
    times: createCheckpointTimes({ everySteps: options.checkpointEvery, everyMs, nowMs: options.nowMs }),
    canPass,
  })

  function passMetrics(written: Promise<void>): Promise<void> {
    return written.then(
      () => troubles.worked('metrics'),
      error => troubles.failed('metrics', error),
    )
  }

  async function settle(): Promise<void> {
    await checkpointing.settle()
    await folder.settleMetrics()
  }

  async function saveBeforeFailing(): Promise<void> {
    const failures: unknown[] = []
    // Also where this state cannot be saved, what is being written is waited for.
    for (const save of [checkpointing.take, settle]) await save().catch(error => failures.push(error))
    if (failures.length === 0) return
    onEvent({ type: 'state-not-saved', step: plan.state.step, reason: describeInLine(failures[0]) })
  }

  return {
    checkpointing,
    // It may only have been kept: that says nothing of the disk.
    onStep: metrics => folder.appendStep(metrics).catch(error => troubles.failed('metrics', error)),
    onEpoch: metrics => passMetrics(folder.appendEpoch(metrics)),
    settle,
    saveBeforeFailing,
  }
}

/** Whether a write that has failed so may succeed another time. */
function canPass(error: unknown): error is LockstepError {
  return error instanceof LockstepError && isDiskTrouble(error.code)
}

type Kind = 'checkpoint' | 'metrics'

/** Tells of each reason once, until a write succeeds. */
function createTroubles(onEvent: EventListener) {
  const told = { checkpoint: new Set<string>(), metrics: new Set<string>() }

  /** Throws what ends the run. */
  function failed(what: Kind, error: unknown): void {
    if (!canPass(error)) throw error
    const reason = `${error.code} ${systemCodeOf(error.cause)}`
    if (told[what].has(reason)) return
    told[what].add(reason)
    onEvent({ type: 'not-written', what, reason: describeInLine(error) })
  }

  function worked(what: Kind): void {
    if (told[what].size > 0) onEvent({ type: 'written-again', what })
    told[what].clear()
  }

  return { failed, worked }
}

function systemCodeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** A checkpoint is there to go on from, which nobody can from weights that are no numbers. */
function refuseDiverged(plan: RunPlan, losses: LossTrail): void {
  if (hasFiniteWeights(plan.state, plan.arithmetic)) return
  throw divergedAt({ ...plan, losses }, plan.state.step, 'there are weights that are not finite')
}
