import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isClaimed, newestCheckpointStep, type RunSummary, runFiles, runSummarySchema } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { z } from 'zod'
import { parseMetrics } from './parse-metrics.ts'
import { readJson, readText } from './run-file.ts'
import { configFileSchema, type RecordedConfig, type RunRecord } from './run-record.ts'

/** What a run was started with. */
export type RunHeader = Pick<RunRecord, 'folder' | 'name' | 'createdAt' | 'config'>

/**
 * Reads a run folder, also of a run that is still going on or was killed.
 * Throws `not-a-run` where there is no `config.json`, `run-unreadable` where a file cannot be read and `run-damaged`,
 * naming file and line, where one holds something else than a run writes.
 */
export async function readRun(folder: string): Promise<RunRecord> {
  const header = await readRunHeader(folder)
  const metricsFile = join(folder, runFiles.metrics)
  const { epochs, notices } = parseMetrics((await readText(metricsFile)) ?? '', metricsFile)
  const last = await readSummary(folder)
  // The lines of epochs may be ahead of the checkpoints.
  const summary = last === null || last.epochs < epochs.length ? null : last
  return { ...header, epochs, summary, state: summary?.status ?? 'unfinished', notices }
}

/** The same, with the state of a run that a process is going on with. */
export async function readCurrentRun(folder: string): Promise<RunRecord> {
  const run = await readRun(folder)
  return (await isClaimed(folder)) ? { ...run, state: 'running' } : run
}

/** Reads only what the run was started with. Throws as `readRun` does. */
export async function readRunHeader(folder: string): Promise<RunHeader> {
  const content = await readConfigFile(folder, configFileSchema)
  const config: RecordedConfig = content.config
  const createdAt = content.createdAt ?? (await stat(join(folder, runFiles.config))).mtime
  return { folder, name: content.name ?? basename(resolve(folder)), createdAt, config }
}

/** What `config.json` holds of a schema. Throws as `readRun` does. */
export async function readConfigFile<Output>(folder: string, schema: z.ZodType<Output>): Promise<Output> {
  const content = await readJson(join(folder, runFiles.config), schema)
  if (content !== null) return content
  throw new LockstepError('not-a-run', `${folder} is not a run folder`, {
    kind: 'usage',
    expected: `a folder with ${runFiles.config} in it`,
    hint: '`pnpm cli runs` lists the runs.',
  })
}

/**
 * What a run has told at its end. Null where it has come to none, or has been resumed and gone on since: it has a checkpoint
 * of a later step then. Throws as `readRun` does.
 */
export async function readSummary(folder: string): Promise<RunSummary | null> {
  const summary = await readJson(join(folder, runFiles.summary), runSummarySchema)
  if (summary === null) return null
  const newest = await newestCheckpointStep(folder)
  return newest !== null && newest > summary.steps ? null : summary
}
