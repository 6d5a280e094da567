import { savedRunConfigSchema } from '@lockstep/protocol'
import { z } from 'zod'
import { readConfigFile } from './read-run.ts'

/** The contents of `config.json`: everything needed to resume or test a run. */
const runFactsSchema = z.object({
  runId: z.string(),
  name: z.string(),
  createdAt: z.string(),
  dataSource: z.string(),
  dataSha256: z.string(),
  layoutHash: z.string(),
  classNames: z.array(z.string()),
  config: savedRunConfigSchema,
})

export type RunFacts = z.infer<typeof runFactsSchema>

/** Reads all of `config.json`. Throws `run-damaged` if it is not as this version of lockstep writes it. */
export function readRunFacts(folder: string): Promise<RunFacts> {
  return readConfigFile(folder, runFactsSchema)
}
