import { LockstepError, printable } from '@lockstep/protocol'
import type { CommandStreams } from '../commands/streams.ts'
import { formatCount, formatNumber, formatPercent } from '../terminal/format.ts'
import { createStyler } from '../terminal/style.ts'
import { type Column, formatTable } from '../terminal/table.ts'
import { listRunFolders } from './find-run.ts'
import { readCurrentRun } from './read-run.ts'
import { type BestFigure, overviewOf, type RunOverview } from './run-overview.ts'
import type { RunRecord } from './run-record.ts'

/** Writes a table of the runs in a folder, or a JSON line for each. Reports unreadable runs on `stderr`. */
export async function listRuns(
  options: { readonly runsFolder: string; readonly asJson: boolean },
  { stdout, stderr }: CommandStreams,
): Promise<void> {
  const runs = await readRuns(options.runsFolder, text => stderr.write(`${text}\n`))
  const overviews = runs.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()).map(overviewOf)
  if (options.asJson) {
    for (const overview of overviews) stdout.write(`${JSON.stringify(overview)}\n`)
  } else if (overviews.length === 0) {
    stdout.write(`There are no runs in ${options.runsFolder} yet. \`pnpm cli train\` starts one.\n`)
  } else {
    const [titles = '', ...rows] = formatTable(columns, overviews.map(tableRow))
    const style = createStyler(stdout)
    stdout.write([style('bold', titles), ...rows, ''].join('\n'))
  }
}

async function readRuns(runsFolder: string, onNotice: (text: string) => void): Promise<RunRecord[]> {
  const runs: RunRecord[] = []
  for (const folder of await listRunFolders(runsFolder)) {
    try {
      const run = await readCurrentRun(folder)
      run.notices.forEach(onNotice)
      runs.push(run)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      onNotice(`${error.message}: this run is left out.`)
    }
  }
  return runs
}

const columns: readonly Column[] = [
  { title: 'run' },
  { title: 'data set' },
  { title: 'model' },
  { title: 'epochs', align: 'right' },
  { title: 'validation loss', align: 'right' },
  { title: 'accuracy', align: 'right' },
  { title: 'test', align: 'right' },
  { title: 'images/s', align: 'right' },
  { title: 'workers', align: 'right' },
  { title: 'state' },
]

function tableRow(run: RunOverview): readonly string[] {
  return [
    printable(run.run),
    run.dataset,
    run.model,
    `${run.epochs}/${run.plannedEpochs}`,
    atEpoch(run.bestValidationLoss, formatNumber),
    atEpoch(run.bestValidationAccuracy, formatPercent),
    formatPercent(run.test?.accuracy),
    run.imagesPerSecond === null ? '–' : formatCount(run.imagesPerSecond),
    run.workers === null ? '–' : String(run.workers),
    run.state,
  ]
}

function atEpoch(best: BestFigure | null, format: (value: number) => string): string {
  return best === null ? '–' : `${format(best.value)} @ ${best.epoch}`
}
