// Where a step goes: phases of coordinator and workers, garbage collection, growth of memory, and what the timing costs.
import { mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { renderReport } from './profile/report.mjs'
import { readThreads } from './profile/threads.mjs'
import { measureTimingCost } from './profile/timing-cost.mjs'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { precisions } from './train/contestants.mjs'

const values = readFlags({
  steps: { value: 'N', help: 'steps at batch 50; runs with larger batches see as many samples', usual: 5_000 },
  batch: { value: 'LIST', help: 'global batch sizes', usual: '50,400' },
  precision: { value: 'LIST', help: 'precisions', of: precisions, usual: 'float32,bfloat16' },
  workers: { value: 'N', help: 'local workers', usual: 2 },
  out: outFlag,
})
const watcher = new URL('profile/watch-thread.mjs', import.meta.url).href
/** Training samples of the synthetic set without a validation split. */
const samples = 15_000
const folder = temporaryFolder('profile')
const report = {
  measuredAt: new Date().toISOString(),
  machine: readMachine(),
  workers: values.workers,
  timing: measureTimingCost(values.workers),
  runs: [],
}
try {
  for (const batch of values.batch.split(',').map(Number)) {
    for (const precision of values.precision.split(',')) report.runs.push(await profile(batch, precision))
  }
} finally {
  await rm(folder, { recursive: true })
}
keepResults(values.out, 'profile', renderReport(report), report)

/** Runs as many samples as `--steps` steps of 50 take, and watches every thread of its processes. */
async function profile(batch, precision) {
  const name = `${precision}-${batch}`
  const [place, watched] = [join(folder, name), join(folder, `${name}-threads`)]
  mkdirSync(watched)
  const epochs = Math.ceil((values.steps * 50) / samples)
  const data = ['--dataset', 'synthetic', '--validation-split', '0', '--limit-test', '250', '--offline']
  const size = ['--epochs', String(epochs), '--batch-size', String(batch), '--workers', String(values.workers)]
  const flags = ['train', ...data, ...size, '--precision', precision, '--run-dir', place]
  process.stderr.write(`${precision}, batch ${batch}, ${epochs} epochs\n`)
  await start(flags, ['env', `NODE_OPTIONS=--import=${watcher}`, `LOCKSTEP_WATCH=${watched}`]).ended
  const { steps, imagesPerSecond, phases, perWorker } = readSummary(place)
  return { batch, precision, steps, imagesPerSecond, phases, perWorker, threads: readThreads(watched) }
}
