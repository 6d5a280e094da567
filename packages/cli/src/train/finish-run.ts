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
  people.write(describeEnd(ended, hasPlots))
  json?.write(`${JSON.stringify(summary)}\n`)
  return summary.status === 'interrupted' ? exitCodes.interrupted : exitCodes.done
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
