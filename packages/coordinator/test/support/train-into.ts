import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findCheckpoint } from '../../src/checkpoints/newest-checkpoint.ts'
import type { Disk } from '../../src/disk/disk.ts'
import type { CoordinatorEvent } from '../../src/events.ts'
import type { RunPlan } from '../../src/plan.ts'
import { createRecords } from '../../src/records.ts'
import { runFiles } from '../../src/run-folder/run-files.ts'
import { createRunFolder, type RunFolder, reopenRunFolder } from '../../src/run-folder/run-folder.ts'
import { encodeState } from '../../src/run-state.ts'
import { createLossTrail } from '../../src/training/divergence.ts'
import { newestState, tinyPlan } from './tiny-plan.ts'
import { steadyClock, type TinyRun, trainTiny } from './train-tiny.ts'

const config = { runId: 'tiny-run' }
const keep = 3

export type TrainIntoOptions = {
  /** The tiny one by default. */
  readonly plan?: RunPlan
  readonly disk?: Disk
  readonly workers?: number
  readonly onEvent?: (event: CoordinatorEvent) => void
  /** Time between checkpoints, by a clock each of whose readings is 10 ms after the one before. */
  readonly checkpointMs?: number
}

/**
 * Starts the tiny run in a folder and trains it to its end, with a line for each step and a checkpoint after every
 * third step or by time.
 */
export async function trainInto(path: string, options: TrainIntoOptions = {}): Promise<TinyRun> {
  const { plan = tinyPlan() } = options
  const start = encodeState(plan.identity, plan.state)
  return trainOn(plan, await createRunFolder(path, config, options.disk, { keep, ...options, start }), options)
}

/** Resumes the run in a folder as a new process would, or starts it if it has not started. */
export async function resumeInto(path: string, options: TrainIntoOptions = {}): Promise<TinyRun> {
  if (!existsSync(join(path, runFiles.config))) return trainInto(path, options)
  const { unusable } = await findCheckpoint(path, config)
  const state = await newestState(path)
  const known = { epochs: state.history.epochs, step: state.step, unusable: unusable.map(({ name }) => name) }
  const folder = await reopenRunFolder(path, known, config, options.disk, { keep, ...options })
  return trainOn(tinyPlan({}, state), folder, options)
}

async function trainOn(
  plan: RunPlan,
  folder: RunFolder,
  { workers = 1, onEvent = () => undefined, checkpointMs }: TrainIntoOptions,
): Promise<TinyRun> {
  const losses = createLossTrail()
  const times = {
    checkpointEvery: checkpointMs === undefined ? 3 : 0,
    checkpointMinutes: (checkpointMs ?? 0) / 60_000,
    nowMs: steadyClock(),
  }
  const records = createRecords({ plan, folder, losses, ...times, onEvent })
  const { checkpointing, onStep, onEpoch } = records
  const run = await trainTiny({
    plan,
    workers,
    training: () => ({ checkpoint: checkpointing.take, isCheckpointDue: checkpointing.isDue, losses, onStep, onEpoch }),
  })
  await records.settle()
  return run
}
