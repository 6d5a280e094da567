import { savedRunConfigSchema } from '@lockstep/protocol'
import { z } from 'zod'
import { readConfigFile } from './read-run.ts'

/** What `config.json` records of a run: all that is needed to go on with it or to test it. */
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

/** Reads `config.json` in full. Throws `run-damaged` when it is not what this version of lockstep writes. */
export function readRunFacts(folder: string): Promise<RunFacts> {
  return readConfigFile(folder, runFactsSchema)
}
