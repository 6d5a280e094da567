import type { RunSummary } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { Settings } from '../flags/read-settings.ts'
import { readSummary } from '../runs/read-run.ts'
import { formatAmount } from '../terminal/format.ts'
import { chooseOutputs } from './reporters.ts'
import { findResumed } from './settle-run.ts'

/**
 * If the run to resume has ended and has nothing left to train, prints that and resolves with true. That is a success,
 * so that a script may restart runs. Resolves with false for any other run, such as one that failed in its last test or
 * its final writes.
 */
export async function tellEndedRun(reference: string, settings: Settings): Promise<boolean> {
  const { folder, facts } = await findResumed(reference, settings)
  const summary = await readSummaryIfWhole(folder)
  const text = summary === null ? null : describeEndedRun(summary, folder, facts.config.epochs)
  if (text === null) return false
  const { people, json } = chooseOutputs(settings.launch.json)
  people.write(`${text}\n`)
  json?.write(`${JSON.stringify(summary)}\n`)
  return true
}

/** Null for a run that has not ended, or that is to train another number of epochs. */
function describeEndedRun({ status, epochs }: RunSummary, folder: string, wanted: number): string | null {
  if (status === 'stopped early') {
    const remedy = 'Patience cannot change when a run is resumed: start a new one with another --early-stopping.'
    return `${folder} has stopped early, after ${epochs} of ${formatAmount(wanted, 'epoch')}\n  ${remedy}`
  }
  if (status === 'interrupted' || epochs !== wanted) return null
  const remedy = `To continue it, use \`--epochs M\` with M above ${epochs}.`
  return `${folder} is complete: ${epochs} of ${formatAmount(epochs, 'epoch')} done\n  ${remedy}`
}

/** Ignores a damaged summary: a resumed run writes a new one, so it does not prevent resuming. */
async function readSummaryIfWhole(folder: string): Promise<RunSummary | null> {
  try {
    return await readSummary(folder)
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'run-damaged') return null
    throw error
  }
}
