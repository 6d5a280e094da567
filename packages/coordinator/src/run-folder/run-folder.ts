import { join } from 'node:path'
import type { Checkpoint } from '@lockstep/model'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { setAside, writeCheckpoint } from '../checkpoints/checkpoint-files.ts'
import { type CheckpointStore, storeOn } from '../checkpoints/checkpoint-store.ts'
import { makeFolderDurably, writeAtomically, writeError } from '../disk/atomic-file.ts'
import { type Disk, systemDisk } from '../disk/disk.ts'
import type { EventListener } from '../events.ts'
import type { EpochMetrics, RunSummary, StepMetrics } from '../metrics.ts'
import { removeLeftovers } from './leftovers.ts'
import { beginLife, refuseSuperseded } from './life.ts'
import { createMetricsFile, type MetricsContent, metricsUntil } from './metrics-file.ts'
import { createOwnership } from './ownership.ts'
import { runFiles } from './run-files.ts'

/** Keeps every checkpoint. */
const all = Number.POSITIVE_INFINITY

/**
 * A run folder that this process writes. Every write throws `disk-full` or `file-not-written` when it fails, and
 * `superseded` when another life or run owns the folder. A folder that has been removed is created again.
 */
export type RunFolder = {
  readonly path: string
  /** The run's life, which began when the folder was opened. */
  readonly life: number
  /** Throws `superseded` when another coordinator has begun a later life of the run. */
  readonly refuseSuperseded: () => Promise<void>
  /** Lines that cannot be written stay queued, and the next of these three calls that succeeds writes them. */
  readonly appendEpoch: (metrics: EpochMetrics) => Promise<void>
  /** Written together with the next epoch or checkpoint, or earlier. */
  readonly appendStep: (metrics: StepMetrics) => Promise<void>
  /** Writes the queued lines, and syncs them so that they survive a loss of power. */
  readonly settleMetrics: () => Promise<void>
  readonly writeSummary: (summary: RunSummary) => Promise<void>
  readonly writeModel: (files: Readonly<Record<string, string | Uint8Array>>) => Promise<void>
  /**
   * Writes a checkpoint durably and returns its path. The checkpoint must not change meanwhile. Removes the oldest
   * ones, except the first of the steps `best` that has a checkpoint.
   */
  readonly writeCheckpoint: (checkpoint: Checkpoint, best?: readonly number[]) => Promise<string>
}

export type RunFolderOptions = {
  /** How many of the newest checkpoints are kept, in addition to that of the best epoch; all by default. */
  readonly keep?: number
  /** Receives events about lost lines and a folder that was created again. */
  readonly onEvent?: EventListener
  /** A checkpoint of a new run's initial state, so that every run can be resumed. */
  readonly start?: Uint8Array
  /** Claims a folder that has been created again. */
  readonly claim?: () => Promise<void>
  /** Writes the checkpoints of the run while it trains; by default in this thread. */
  readonly store?: CheckpointStore
}

/**
 * Creates a run folder. Its configuration file, which marks a folder as a run, is written last. Throws
 * `run-folder-taken` where the path is a file or already holds a run, and `run-folder-inside-file`, both before
 * anything is written.
 */
export async function createRunFolder(
  path: string,
  config: unknown,
  disk = systemDisk,
  options: RunFolderOptions = {},
): Promise<RunFolder> {
  await refuseTaken(path, disk)
  await makeFolderDurably(path, disk)
  await removeLeftovers(path, disk)
  const life = await beginLife(path, disk)
  const { start } = options
  const checkpoints = join(path, runFiles.checkpoints)
  await makeFolderDurably(checkpoints, disk)
  if (start !== undefined) await writeCheckpoint(checkpoints, { step: 0, content: start, keep: all }, disk)
  // The file's name must be on disk before its first line.
  await writeAtomically(join(path, runFiles.metrics), '', disk)
  await writeAtomically(join(path, runFiles.config), json(config), disk)
  return openRunFolder({ path, life, config, disk, ...options }, undefined)
}

/**
 * Continues a run folder: cuts `metrics.jsonl` back to the epochs and steps that the checkpoint knows, sets unusable
 * checkpoints aside, and removes what killed processes have left.
 */
export async function reopenRunFolder(
  path: string,
  known: { readonly epochs: readonly EpochMetrics[]; readonly step: number; readonly unusable?: readonly string[] },
  config: unknown,
  disk = systemDisk,
  options: RunFolderOptions = {},
): Promise<RunFolder> {
  const life = await beginLife(path, disk)
  await removeLeftovers(path, disk)
  const checkpoints = join(path, runFiles.checkpoints)
  await makeFolderDurably(checkpoints, disk)
  await setAside(checkpoints, known.unusable ?? [], disk)
  await writeAtomically(join(path, runFiles.config), json(config), disk)
  const metrics = join(path, runFiles.metrics)
  const content = await metricsUntil(metrics, known, disk)
  await writeAtomically(metrics, content.text, disk)
  return openRunFolder({ path, life, config, disk, ...options }, content)
}

/** Throws `run-folder-taken` or `run-folder-inside-file` when a new run cannot use this path. */
export async function refuseTaken(path: string, disk = systemDisk): Promise<void> {
  const hint = 'Choose another --run-dir, or continue that run with --resume.'
  const found = await kindOf(disk, path)
  if (found === null) return
  const details = { kind: 'usage', expected: 'a new folder, or one without a run', hint } as const
  if (found === 'file') throw new LockstepError('run-folder-taken', `${path} is a file`, details)
  const names = await disk.list(path)
  if (names.includes(runFiles.config))
    throw new LockstepError('run-folder-taken', `${path} already holds a run`, details)
}

type Opened = RunFolderOptions & {
  readonly path: string
  readonly life: number
  readonly config: unknown
  readonly disk: Disk
}

function openRunFolder(opened: Opened, content: MetricsContent | undefined): RunFolder {
  const { path, life, config, disk, keep = all, onEvent = () => undefined, claim } = opened
  const { store = storeOn(disk) } = opened
  const place = (name: string) => join(path, name)
  const onRestored = () => onEvent({ type: 'folder-restored', path })
  const owned = { path, life, config: json(config) }
  const ownership = createOwnership({ ...owned, disk, claim, onRestored })
  const onGivenUp = (lines: number) => onEvent({ type: 'lines-lost', lines })
  const { assert: prepare, confirm } = ownership
  const lineFile = { path: place(runFiles.metrics), disk, prepare, confirm, onGivenUp }
  const metrics = createMetricsFile(lineFile, content)

  async function asOwner<T>(write: () => Promise<T>): Promise<T> {
    await ownership.assert()
    return write()
  }

  async function writeModel(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    await makeFolderDurably(place(runFiles.model), disk)
    for (const [name, content] of Object.entries(files)) {
      await writeAtomically(join(place(runFiles.model), name), content, disk)
    }
  }

  async function storeCheckpoint(checkpoint: Checkpoint, best: readonly number[] = []): Promise<string> {
    const job = { folder: owned, checkpoint, keep, best }
    const path = (await store(job)) ?? (await asOwner(() => store(job)))
    if (path === null) throw writeError(place(runFiles.checkpoints), new Error('the run folder keeps disappearing'))
    return path
  }

  return {
    path,
    life,
    refuseSuperseded: () => refuseSuperseded(path, life, disk),
    appendEpoch: metrics.addEpoch,
    appendStep: metrics.addStep,
    settleMetrics: metrics.settle,
    writeSummary: summary => asOwner(() => writeAtomically(place(runFiles.summary), json(summary), disk)),
    writeModel: files => asOwner(() => writeModel(files)),
    writeCheckpoint: storeCheckpoint,
  }
}

async function kindOf(disk: Disk, path: string): ReturnType<Disk['kindOf']> {
  try {
    return await disk.kindOf(path)
  } catch (error) {
    if (hasSystemCode(error, 'ENOTDIR')) throw insideFile(path)
    throw new LockstepError('run-folder-unreadable', `${path} cannot be read`, {
      received: reasonOf(error),
      cause: error,
    })
  }
}

function insideFile(path: string): LockstepError {
  return new LockstepError('run-folder-inside-file', `${path} cannot be created: a part of its path is a file`, {
    kind: 'usage',
    hint: 'Choose another --run-dir or --runs-dir.',
  })
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
