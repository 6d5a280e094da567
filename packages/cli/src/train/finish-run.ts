import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointName, runFiles } from '@lockstep/coordinator'
import { describeInLine, LockstepError, shellWord } from '@lockstep/protocol'
import { exitCodes } from '../exit-codes.ts'
import { writeRunPlots } from '../plots/run-plots.ts'
import { describeEnd, type EndedRun } from './describe-run.ts'
import { phaseTable } from './phase-table.ts'
import type { Outputs } from './reporters.ts'

/** Draws the plots of a run that has ended, and tells how it ended and what may follow. Returns the exit code. */
export async function finishRun(ended: EndedRun, { people, json }: Outputs): Promise<number> {
  const { summary, folder } = ended
  const hasPlots = await drawPlots(folder, people)
  const table = json === null ? phaseTable(summary) : []
  if (table.length > 0) people.write(`\n${table.join('\n')}\n`)
  people.write(describeEnd(ended, hasPlots, keepsBest(ended)))
  json?.write(`${JSON.stringify(summary)}\n`)
  return summary.status === 'interrupted' ? exitCodes.interrupted : exitCodes.done
}

/** Whether the weights of the best epoch can be had, and are others than the last ones. */
function keepsBest({ summary: { best, steps }, folder }: EndedRun): boolean {
  if (best?.validationLoss == null || best.step === undefined || best.step === steps) return false
  return existsSync(join(folder, runFiles.checkpoints, checkpointName(best.step)))
}

/** They are made of what is on the disk: a disk that has no room for them fails no run. Resolves with whether there are any. */
async function drawPlots(folder: string, people: NodeJS.WriteStream): Promise<boolean> {
  try {
    await writeRunPlots(folder)
    return true
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    people.write(`no plots: ${describeInLine(error)}\n  \`pnpm cli plot ${shellWord(folder)}\` draws them.\n`)
    return false
  }
}
