import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkpointName, runFiles } from '@lockstep/coordinator'
import { describeInLine, LockstepError, shellWord } from '@lockstep/protocol'
import { exitCodes } from '../exit-codes.ts'
import { writeRunPlots } from '../plots/run-plots.ts'
import { describeEnd, type EndedRun } from './describe-run.ts'
import { phaseTable } from './phase-table.ts'
import type { Outputs } from './reporters.ts'

/** Draws the plots of a finished run, and prints how it ended and the next commands. Returns the exit code. */
export async function finishRun(ended: EndedRun, { people, json }: Outputs): Promise<number> {
  const { summary, folder } = ended
  const hasPlots = await drawPlots(folder, people)
  const table = json === null ? phaseTable(summary) : []
  if (table.length > 0) people.write(`\n${table.join('\n')}\n`)
  people.write(describeEnd(ended, hasPlots, keepsBest(ended)))
  json?.write(`${JSON.stringify(summary)}\n`)
  return summary.status === 'interrupted' ? exitCodes.interrupted : exitCodes.done
}

/** Whether the weights of the best epoch are available and differ from the last ones. */
function keepsBest({ summary: { best, steps }, folder }: EndedRun): boolean {
  if (best?.validationLoss == null || best.step === undefined || best.step === steps) return false
  return existsSync(join(folder, runFiles.checkpoints, checkpointName(best.step)))
}

/**
 * Resolves with whether there are plots. They can be redrawn from the files of the run, so a full disk fails no run.
 */
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
