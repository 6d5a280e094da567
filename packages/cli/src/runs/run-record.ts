import type { EpochMetrics, RunSummary } from '@lockstep/coordinator'
import { z } from 'zod'

/**
 * What is needed of the configuration in `config.json`. Runs of other versions may lack keys or have more of them, so
 * this is wider than the schema that a run is started with.
 */
const recordedConfigSchema = z.looseObject({
  dataset: z.string(),
  model: z.string(),
  epochs: z.int().min(1),
})

export const configFileSchema = z.looseObject({
  runId: z.string().optional(),
  name: z.string().optional(),
  /** ISO 8601. */
  createdAt: z.coerce.date().optional(),
  config: recordedConfigSchema,
})

export type RecordedConfig = z.infer<typeof recordedConfigSchema>

export type RunState = RunSummary['status'] | 'unfinished' | 'running'

/** What a run folder holds. */
export type RunRecord = {
  readonly folder: string
  readonly name: string
  readonly createdAt: Date
  readonly config: RecordedConfig
  /** The epochs that are done, in order. */
  readonly epochs: readonly EpochMetrics[]
  /** Null while the run goes on, also after a resume, or where it was killed. */
  readonly summary: RunSummary | null
  readonly state: RunState
  /** What was odd about the folder but did not prevent reading it, as sentences. */
  readonly notices: readonly string[]
}
