// How fast a run recovers: from the SIGKILL of a worker, the SIGSTOP of one, and the SIGKILL of its coordinator.
import { openRun } from './recovery/run.mjs'
import { trials } from './recovery/trials.mjs'
import { readFlags } from './support/flags.mjs'
import { describeMachine } from './support/machine.mjs'
import { createProgress } from './support/progress.mjs'
import { createRandom } from './support/random.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { markdownTable, median } from './support/statistics.mjs'

const names = Object.keys(trials)
const values = readFlags({
  repeats: { value: 'N', help: 'trials of each kind', usual: 20 },
  workers: { value: 'N', help: 'local workers', usual: 3 },
  shards: { value: 'N', help: 'shards of a step', usual: 6 },
  'batch-size': { value: 'N', help: 'global batch', usual: 120 },
  seed: { value: 'N', help: 'seed of the times of the faults', usual: 1 },
  only: { value: 'LIST', help: 'kinds of trial', of: names, usual: names.join(','), shown: 'all' },
  out: outFlag,
})
const { repeats } = values
const chosen = values.only.split(',')
const random = createRandom(values.seed)
const progress = createProgress()
const startedAtMs = performance.now()
const results = []
const run = await openRun(values)
process.once('SIGINT', () => run.tearDown())
try {
  for (const name of chosen) results.push({ name, ...(await repeat(name)) })
  await run.close()
} finally {
  progress.stop()
  run.tearDown()
}
report()

/** Repeats the trials of one kind. Each begins when all workers are there and the run has been steady for a while. */
async function repeat(name) {
  const outcomes = []
  for (let trial = 1; trial <= repeats; trial++) {
    await run.steady()
    outcomes.push(await trials[name].once(run, random))
    const done = chosen.indexOf(name) * repeats + trial
    const seconds = (performance.now() - startedAtMs) / 1000
    progress.show(seconds, (seconds * repeats * chosen.length) / done, `${name}, ${trial}/${repeats}`)
  }
  return { outcomes, figures: trials[name].judge(outcomes) }
}

function report() {
  const rows = results.flatMap(({ name, figures }) =>
    figures.map(({ what, values: measured, unit, below }) => {
      const digits = unit === 's' ? 2 : unit === 'ms' ? 1 : 2
      const middle = median(measured)
      const isRight = below === undefined || middle < below
      const cells = [middle, Math.min(...measured), Math.max(...measured)].map(
        value => `${value.toFixed(digits)} ${unit}`,
      )
      return { isRight, cells: [trials[name].title, what, ...cells, below === undefined ? '' : `< ${below} ${unit}`] }
    }),
  )
  const shape = `${values.workers} workers, batch ${values['batch-size']} in ${values.shards} shards`
  const heading = `${describeMachine()}; ${shape}; ${repeats} trials each\n\n`
  const titles = ['after', '', 'median', 'least', 'most', 'median wanted']
  const text = `${heading}${markdownTable(
    titles,
    rows.map(({ cells }) => cells),
  )}`
  keepResults(values.out, 'recovery', text, { machine: describeMachine(), ...values, results })
  if (!rows.every(({ isRight }) => isRight)) process.exitCode = 1
}
