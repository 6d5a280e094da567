// Whole runs: images per second of lockstep beside Keras, PyTorch, PyTorch DDP and tfjs-node, interleaved, medians.
import { rm } from 'node:fs/promises'
import { readFlags } from './support/flags.mjs'
import { temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { listContestants, precisions } from './train/contestants.mjs'
import { prepareData } from './train/data.mjs'
import { measureRuns } from './train/measure.mjs'
import { renderReport } from './train/report.mjs'

const names = namesOf({ batch: 50, samples: 10_500 })
const values = readFlags({
  'batch-size': { value: 'N', help: 'global batch, an even number', usual: 50 },
  samples: { value: 'N', help: 'training samples of an epoch, cut to whole batches', usual: 10_500 },
  epochs: { value: 'N', help: 'measured epochs of a run, after 20 steps of warm-up', usual: 2 },
  repeats: { value: 'N', help: 'interleaved runs of each contestant', usual: 5 },
  only: { value: 'LIST', help: 'contestants', of: names, usual: names.join(','), shown: 'all' },
  precision: { value: 'LIST', help: 'precisions', of: precisions, usual: precisions.join(',') },
  out: outFlag,
})

const { 'batch-size': batch, epochs, repeats } = values
if (batch % 2 !== 0) throw new Error(`--batch-size: two workers share it, so it is even; got ${batch}`)
const settings = {
  batch,
  // Full batches only: a partial last batch would need another compiled graph.
  samples: Math.floor(values.samples / batch) * batch,
  epochs,
  repeats,
}
const folder = temporaryFolder('train')
const report = { measuredAt: new Date().toISOString(), machine: readMachine(), settings, versions: {}, leftOut: [] }
let complete = false
try {
  const data = await prepareData(folder)
  report.dataSource = data.dataSource
  const contestants = choose(listContestants({ ...settings, folder, dataDir: data.dataDir }))
  complete = await measureRuns(contestants, repeats, report)
} finally {
  await rm(folder, { recursive: true })
}
keepResults(values.out, 'train', renderReport(report), report)
if (!complete) process.exitCode = 1

/** Contestants that differ only in precision have the same name. */
function namesOf(given) {
  return [...new Set(listContestants(given).map(({ name }) => name))]
}

/** Chooses contestants by `--only` and `--precision`. */
function choose(contestants) {
  const chosen = values.only.split(',')
  const chosenPrecisions = values.precision.split(',')
  return contestants.filter(({ name, precision }) => chosen.includes(name) && chosenPrecisions.includes(precision))
}
