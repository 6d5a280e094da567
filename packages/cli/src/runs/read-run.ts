import { readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { newestCheckpointStep, type RunSummary, runFiles, runSummarySchema } from '@lockstep/coordinator'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { z } from 'zod'
import { parseMetrics } from './parse-metrics.ts'
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

/** Reads only what the run was started with. Throws as `readRun` does. */
export async function readRunHeader(folder: string): Promise<RunHeader> {
  const file = join(folder, runFiles.config)
  const text = await readText(file)
  if (text === null) {
    throw new LockstepError('not-a-run', `${folder} is not a run folder`, {
      kind: 'usage',
      expected: `a folder with ${runFiles.config} in it`,
      hint: '`pnpm cli runs` lists the runs.',
    })
  }
  const content = check(configFileSchema, parseJson(text, file), file)
  const config: RecordedConfig = content.config
  const createdAt = content.createdAt ?? (await stat(file)).mtime
  return { folder, name: content.name ?? basename(resolve(folder)), createdAt, config }
}

/**
 * What a run has told at its end. Null where it has come to none, or has been resumed and gone on since: it has a checkpoint
 * of a later step then. Throws as `readRun` does.
 */
export async function readSummary(folder: string): Promise<RunSummary | null> {
  const file = join(folder, runFiles.summary)
  const text = await readText(file)
  if (text === null) return null
  const summary = check(runSummarySchema, parseJson(text, file), file)
  const newest = await newestCheckpointStep(folder)
  return newest !== null && newest > summary.steps ? null : summary
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return null
    const reason = error instanceof Error ? error.message : String(error)
    throw new LockstepError('run-unreadable', `${file} cannot be read`, { received: reason, cause: error })
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw damaged(file, `not JSON: ${(error as SyntaxError).message}`, error)
  }
}

function check<Output>(schema: z.ZodType<Output>, value: unknown, file: string): Output {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw damaged(file, z.prettifyError(result.error), result.error)
}

function damaged(file: string, received: string, cause: unknown): LockstepError {
  return new LockstepError('run-damaged', `${file} is damaged`, {
    received,
    hint: 'Restore the file, or move the run folder away.',
    cause,
  })
}
