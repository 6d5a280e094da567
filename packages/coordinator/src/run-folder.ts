import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { makeFolderDurably, writeAtomically } from './atomic-file.ts'
import { type Disk, systemDisk } from './disk.ts'
import { beginLife, refuseSuperseded } from './life.ts'
import type { EpochMetrics, RunSummary, StepMetrics } from './metrics.ts'
import { createMetricsFile, metricsUntil } from './metrics-file.ts'

/** Names in a run folder, for those who write it and those who read it. */
export const runFiles = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  summary: 'summary.json',
  checkpoints: 'checkpoints',
  model: 'model',
  plots: 'plots',
} as const

/** Checkpoints that are kept, the newest ones. */
const keptCheckpoints = 3

/** A run folder that is being written. Every write throws `disk-full` or `file-not-written` when it fails. */
export type RunFolder = {
  readonly path: string
  /** Of the run, begun when the folder was opened. */
  readonly life: number
  readonly appendEpoch: (metrics: EpochMetrics) => Promise<void>
  /** Written together with the next epoch or checkpoint at the latest. */
  readonly appendStep: (metrics: StepMetrics) => Promise<void>
  readonly writeSummary: (summary: RunSummary) => Promise<void>
  readonly writeModel: (files: Readonly<Record<string, string | Uint8Array>>) => Promise<void>
  /** Writes a checkpoint durably, drops the oldest ones, and returns its path. */
  readonly writeCheckpoint: (step: number, bytes: Uint8Array) => Promise<string>
}

/** Starts a run folder. Throws `run-folder-taken` where something else is, before anything is written. */
export async function createRunFolder(path: string, config: unknown, disk = systemDisk): Promise<RunFolder> {
  await refuseTaken(path, disk)
  await makeFolderDurably(path, disk)
  const life = await beginLife(path, disk)
  await writeAtomically(join(path, runFiles.config), json(config), disk)
  return openRunFolder(disk, path, life)
}

/** Goes on with a run folder: `metrics.jsonl` is cut back to the epochs and steps that the checkpoint knows. */
export async function reopenRunFolder(
  path: string,
  known: { readonly epochs: readonly EpochMetrics[]; readonly step: number },
  config: unknown,
  disk = systemDisk,
): Promise<RunFolder> {
  const life = await beginLife(path, disk)
  await writeAtomically(join(path, runFiles.config), json(config), disk)
  const metrics = join(path, runFiles.metrics)
  await writeAtomically(metrics, await metricsUntil(metrics, known, disk), disk)
  return openRunFolder(disk, path, life)
}

/** The newest checkpoint of a run. Throws `no-checkpoint` when there is none. */
export async function readNewestCheckpoint(path: string, disk = systemDisk): Promise<Uint8Array> {
  const folder = join(path, runFiles.checkpoints)
  const newest = (await listCheckpoints(disk, folder)).at(-1)
  if (newest !== undefined) return disk.read(join(folder, newest))
  throw new LockstepError('no-checkpoint', `${path} holds no checkpoint`, {
    kind: 'usage',
    hint: 'The first one is written after the first epoch, or on Ctrl-C. See `pnpm cli runs`.',
  })
}

/** Throws `run-folder-taken` when a new run cannot be put at this path. */
export async function refuseTaken(path: string, disk = systemDisk): Promise<void> {
  const hint = 'Choose another --run-dir, or continue that run with --resume.'
  const found = await kindOf(disk, path)
  if (found === null) return
  const details = { kind: 'usage', expected: 'a new or empty folder', hint } as const
  if (found === 'file') throw new LockstepError('run-folder-taken', `${path} is a file`, details)
  const names = await disk.list(path)
  if (names.includes(runFiles.config))
    throw new LockstepError('run-folder-taken', `${path} already holds a run`, details)
}

function openRunFolder(disk: Disk, path: string, life: number): RunFolder {
  const mayWrite = () => refuseSuperseded(path, life, disk)
  const metrics = createMetricsFile(join(path, runFiles.metrics), disk, mayWrite)
  return {
    path,
    life,
    appendEpoch: metrics.addEpoch,
    appendStep: metrics.addStep,
    writeSummary: async summary => {
      await mayWrite()
      await writeAtomically(join(path, runFiles.summary), json(summary), disk)
    },
    writeModel: async files => {
      await makeFolderDurably(join(path, runFiles.model), disk)
      for (const [name, content] of Object.entries(files)) {
        await writeAtomically(join(path, runFiles.model, name), content, disk)
      }
    },
    writeCheckpoint: async (step, bytes) => {
      await mayWrite()
      const folder = join(path, runFiles.checkpoints)
      await makeFolderDurably(folder, disk)
      const file = join(folder, `step-${String(step).padStart(9, '0')}.ckpt`)
      await writeAtomically(file, bytes, disk)
      await metrics.flush()
      const old = (await listCheckpoints(disk, folder)).slice(0, -keptCheckpoints)
      for (const name of old) await disk.remove(join(folder, name))
      return file
    },
  }
}

async function listCheckpoints(disk: Disk, folder: string): Promise<readonly string[]> {
  if ((await kindOf(disk, folder)) === null) return []
  return (await disk.list(folder)).filter(name => /^step-\d+\.ckpt$/.test(name)).sort()
}

async function kindOf(disk: Disk, path: string): ReturnType<Disk['kindOf']> {
  try {
    return await disk.kindOf(path)
  } catch (error) {
    throw new LockstepError('run-folder-unreadable', `${path} cannot be read`, {
      received: String(error),
      cause: error,
    })
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
