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

/** What a run writes to disk while it trains. A failed write is reported and retried; it does not end the run. */
export type Records = {
  readonly checkpointing: Checkpointing
  readonly onStep: (metrics: StepMetrics) => Promise<void>
  readonly onEpoch: (metrics: EpochMetrics) => Promise<void>
  /** Resolves when the last checkpoint and all metrics are on disk. Throws where they fail again. */
  readonly settle: () => Promise<void>
  /** Saves the state of a failing run. Reports the reason where that is not possible. */
  readonly saveBeforeFailing: () => Promise<void>
}

export type RecordsOptions = {
  readonly plan: RunPlan
  readonly folder: RunFolder
  readonly losses: LossTrail
  /** Steps between checkpoints within an epoch; 0 for none. */
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
      // The lines of steps exist nowhere else: the process must not lose any up to the checkpoint's step.
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
    // Even where the current state cannot be saved, the write in progress is awaited.
    for (const save of [checkpointing.take, settle]) await save().catch(error => failures.push(error))
    if (failures.length === 0) return
    onEvent({ type: 'state-not-saved', step: plan.state.step, reason: describeInLine(failures[0]) })
  }

  return {
    checkpointing,
    // The line may only be queued, so success says nothing about the disk.
    onStep: metrics => folder.appendStep(metrics).catch(error => troubles.failed('metrics', error)),
    onEpoch: metrics => passMetrics(folder.appendEpoch(metrics)),
    settle,
    saveBeforeFailing,
  }
}

/** Whether a failed write may succeed later. */
function canPass(error: unknown): error is LockstepError {
  return error instanceof LockstepError && isDiskTrouble(error.code)
}

type Kind = 'checkpoint' | 'metrics'

/** Reports each reason once, until a write succeeds. */
function createTroubles(onEvent: EventListener) {
  const told = { checkpoint: new Set<string>(), metrics: new Set<string>() }

  /** Throws errors that end the run. */
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

/** A checkpoint exists to continue the run, which is impossible with weights that are not finite. */
function refuseDiverged(plan: RunPlan, losses: LossTrail): void {
  if (hasFiniteWeights(plan.state, plan.arithmetic)) return
  throw divergedAt({ ...plan, losses }, plan.state.step, 'there are weights that are not finite')
}
