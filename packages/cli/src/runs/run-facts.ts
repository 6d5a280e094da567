import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runFiles } from '@lockstep/coordinator'
import { LockstepError, savedRunConfigSchema } from '@lockstep/protocol'
import { z } from 'zod'

/** What `config.json` records of a run: all that is needed to go on with it or to test it. */
export const runFactsSchema = z.object({
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
export async function readRunFacts(folder: string): Promise<RunFacts> {
  const file = join(folder, runFiles.config)
  const parsed = runFactsSchema.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new LockstepError('run-damaged', `${file} is not what this version of lockstep writes`, {
    received: `${issue?.path.join('.')}: ${issue?.message}`,
  })
}
