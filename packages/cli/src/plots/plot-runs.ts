import { basename, join, resolve } from 'node:path'
import { isDiskTrouble, runFiles } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import type { CommandStreams } from '../commands/streams.ts'
import { findRun } from '../runs/find-run.ts'
import { folderTime } from '../runs/folder-time.ts'
import { readRun } from '../runs/read-run.ts'
import type { RunRecord } from '../runs/run-record.ts'
import { writeComparison } from './comparison.ts'
import { bestPoint, curveOf, formatValue } from './curves.ts'
import { runCharts, writeCharts } from './run-plots.ts'

export type PlotOptions = {
  readonly runsFolder: string
  readonly outFolder: string | undefined
}

/**
 * Draws the plots of one run into its folder, or overlays several runs. Prints the names of the files and each run's
 * best figures.
 * Throws `nothing-to-plot` if no run has finished an epoch, and as `findRun` and `readRun` do.
 */
export async function plotRuns(
  references: readonly string[],
  options: PlotOptions,
  { stdout, stderr }: CommandStreams,
): Promise<void> {
  const runs = await readEach(references, options.runsFolder)
  for (const notice of runs.flatMap(run => run.notices)) stderr.write(`${notice}\n`)
  const [first, ...others] = refuseEmpty(runs)
  const drawing =
    others.length === 0
      ? writeCharts(runCharts(first), options.outFolder ?? join(first.folder, runFiles.plots))
      : writeComparison(runs, options.outFolder ?? join(options.runsFolder, `comparison-${folderTime(new Date())}`))
  const files = await drawing.catch(error => {
    throw notWritten(error)
  })
  for (const file of files) stdout.write(`${file}\n`)
  for (const run of runs) stdout.write(`${describeBest(run)}\n`)
}

/** Reads the referenced runs, each once even if several references mean the same run. */
async function readEach(references: readonly string[], runsFolder: string): Promise<readonly RunRecord[]> {
  const folders = new Map<string, string>()
  for (const reference of references) {
    const folder = await findRun(reference, runsFolder)
    folders.set(resolve(folder), folder)
  }
  return Promise.all([...folders.values()].map(readRun))
}

function refuseEmpty(runs: readonly RunRecord[]): readonly [RunRecord, ...RunRecord[]] {
  const [first, ...others] = runs
  if (first !== undefined && runs.some(run => run.epochs.length > 0)) return [first, ...others]
  throw new LockstepError('nothing-to-plot', `${runs.map(run => run.name).join(' and ')}: no epoch is done yet`, {
    kind: 'usage',
    hint: 'A run can be drawn after its first epoch.',
  })
}

/** Replaces the hint of a failed write, which is about continuing a run, with one about drawing. */
function notWritten(error: unknown): unknown {
  if (!(error instanceof LockstepError) || !isDiskTrouble(error.code)) return error
  const hint = 'Free some space, or name another folder with --out.'
  return new LockstepError(error.code, error.message, { received: error.received, hint, cause: error })
}

function describeBest(run: RunRecord): string {
  const name = basename(resolve(run.folder))
  const sample = run.epochs.some(epoch => epoch.validationLoss !== null) ? 'validation' : 'train'
  const figures = (['loss', 'accuracy'] as const).flatMap(metric => {
    const best = bestPoint(curveOf(run.epochs, sample, metric), metric)
    return best === null ? [] : [`${metric} ${formatValue(best.value, metric)} at epoch ${best.epoch}`]
  })
  return figures.length === 0 ? `${name}: no epoch is done yet` : `${name}: best ${sample} ${figures.join(', ')}`
}
