import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isClaimed, newestCheckpointStep, type RunSummary, runFiles, runSummarySchema } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { z } from 'zod'
import { parseMetrics } from './parse-metrics.ts'
import { readJson, readText } from './run-file.ts'
import { configFileSchema, type RecordedConfig, type RunRecord } from './run-record.ts'

/** The start of a run: its folder, name, time and configuration. */
export type RunHeader = Pick<RunRecord, 'folder' | 'name' | 'createdAt' | 'config'>

/**
 * Reads a run folder. The run may be still running or may have been killed.
 * Throws `not-a-run` if there is no `config.json`, `run-unreadable` if a file cannot be read, and `run-damaged`, with
 * file and line, if a file has contents that a run does not write.
 */
export async function readRun(folder: string): Promise<RunRecord> {
  const header = await readRunHeader(folder)
  const metricsFile = join(folder, runFiles.metrics)
  const { epochs, notices } = parseMetrics((await readText(metricsFile)) ?? '', metricsFile)
  const last = await readSummary(folder)
  // If there are more epochs than in the summary, the run has been resumed, even without a later checkpoint.
  const summary = last === null || last.epochs < epochs.length ? null : last
  return { ...header, epochs, summary, state: summary?.status ?? 'unfinished', notices }
}

/** Like `readRun`, but with the state `running` if a process is running the run. */
export async function readCurrentRun(folder: string): Promise<RunRecord> {
  const run = await readRun(folder)
  return (await isClaimed(folder)) ? { ...run, state: 'running' } : run
}

/** Reads only the header of a run. Throws as `readRun` does. */
export async function readRunHeader(folder: string): Promise<RunHeader> {
  const content = await readConfigFile(folder, configFileSchema)
  const config: RecordedConfig = content.config
  const createdAt = content.createdAt ?? (await stat(join(folder, runFiles.config))).mtime
  return { folder, name: content.name ?? basename(resolve(folder)), createdAt, config }
}

/** Reads `config.json` by a schema. Throws as `readRun` does. */
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
 * Reads the summary that a run wrote at its end. Null if it has not ended, or has been resumed since and so has a
 * checkpoint of a later step. Throws as `readRun` does.
 */
export async function readSummary(folder: string): Promise<RunSummary | null> {
  const summary = await readJson(join(folder, runFiles.summary), runSummarySchema)
  if (summary === null) return null
  const newest = await newestCheckpointStep(folder)
  return newest !== null && newest > summary.steps ? null : summary
}
