// How soon a run is itself again: after the SIGKILL of a worker, the SIGSTOP of one, and the SIGKILL of its coordinator.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openRun } from './recovery/run.mjs'
import { trials } from './recovery/trials.mjs'
import { describeMachine } from './support/machine.mjs'
import { createProgress } from './support/progress.mjs'
import { createRandom } from './support/random.mjs'
import { markdownTable, median } from './support/statistics.mjs'

const { values } = parseArgs({
  options: {
    repeats: { type: 'string', default: '20' },
    workers: { type: 'string', default: '3' },
    shards: { type: 'string', default: '6' },
    'batch-size': { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: Object.keys(trials).join(',') },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
  },
})
const repeats = Number(values.repeats)
const chosen = values.only.split(',')
const random = createRandom(Number(values.seed))
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

/** The trials of one kind, each from a run that is whole and has been steady for a while. */
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
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, 'recovery.md'), text)
  const kept = { machine: describeMachine(), ...values, results }
  writeFileSync(join(values.out, 'recovery.json'), `${JSON.stringify(kept, undefined, 2)}\n`)
  process.stdout.write(text)
  if (!rows.every(({ isRight }) => isRight)) process.exitCode = 1
}
