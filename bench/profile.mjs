// Where a step goes: phases of coordinator and workers, garbage collection, growth of memory, and what the timing costs.
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { renderReport } from './profile/report.mjs'
import { readThreads } from './profile/threads.mjs'
import { measureTimingCost } from './profile/timing-cost.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '5000' },
    batch: { type: 'string', default: '50,400' },
    precision: { type: 'string', default: 'float32,bfloat16' },
    workers: { type: 'string', default: '2' },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
  },
})
const watcher = new URL('profile/watch-thread.mjs', import.meta.url).href
/** Training samples of the synthetic set where nothing validates. */
const samples = 15_000
const folder = temporaryFolder('profile')
const report = {
  measuredAt: new Date().toISOString(),
  machine: readMachine(),
  workers: Number(values.workers),
  timing: measureTimingCost(Number(values.workers)),
  runs: [],
}
try {
  for (const batch of values.batch.split(',').map(Number)) {
    for (const precision of values.precision.split(',')) report.runs.push(await profile(batch, precision))
  }
} finally {
  await rm(folder, { recursive: true })
}
const text = renderReport(report)
mkdirSync(values.out, { recursive: true })
writeFileSync(join(values.out, 'profile.md'), text)
writeFileSync(join(values.out, 'profile.json'), `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(text)

/** A run of as many samples as `--steps` steps of 50 take, with every thread of its processes watched. */
async function profile(batch, precision) {
  const name = `${precision}-${batch}`
  const [place, watched] = [join(folder, name), join(folder, `${name}-threads`)]
  mkdirSync(watched)
  const epochs = Math.ceil((Number(values.steps) * 50) / samples)
  const data = ['--dataset', 'synthetic', '--validation-split', '0', '--limit-test', '250', '--offline']
  const size = ['--epochs', String(epochs), '--batch-size', String(batch), '--workers', values.workers]
  const flags = ['train', ...data, ...size, '--precision', precision, '--run-dir', place]
  process.stderr.write(`${precision}, batch ${batch}, ${epochs} epochs\n`)
  await start(flags, ['env', `NODE_OPTIONS=--import=${watcher}`, `LOCKSTEP_WATCH=${watched}`]).ended
  const { steps, imagesPerSecond, phases, perWorker } = readSummary(place)
  return { batch, precision, steps, imagesPerSecond, phases, perWorker, threads: readThreads(watched) }
}
