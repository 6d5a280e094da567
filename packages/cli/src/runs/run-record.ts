import type { EpochMetrics, RunSummary } from '@lockstep/coordinator'
import { z } from 'zod'

/**
 * The keys of the configuration in `config.json` that are used here. Runs of other versions may lack keys or have more,
 * so this is wider than the schema of a new run's configuration.
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

/** The contents of a run folder. */
export type RunRecord = {
  readonly folder: string
  readonly name: string
  readonly createdAt: Date
  readonly config: RecordedConfig
  /** The finished epochs, in order. */
  readonly epochs: readonly EpochMetrics[]
  /** Null while the run is in progress, also after a resume, and if it was killed. */
  readonly summary: RunSummary | null
  readonly state: RunState
  /** Problems with the folder that did not prevent reading it, as sentences. */
  readonly notices: readonly string[]
}
