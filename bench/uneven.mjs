// Two workers, one with a third of the time: how much of the sum of their speeds do they reach together?
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { freePort, writeToken } from './support/reach.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { markdownTable, median, spread } from './support/statistics.mjs'

const values = readFlags({
  repeats: { value: 'N', help: 'interleaved runs of each set of workers', usual: 3 },
  batches: { value: 'LIST', help: 'global batch sizes', usual: '50,400' },
  // A run's speed leaves out the first 20 steps.
  steps: { value: 'N', help: 'steps of a run', usual: 150, least: 50 },
  shards: { value: 'N', help: 'shards of a step', usual: 4 },
  share: { value: 'P', help: 'share of the time that the slowed worker runs', usual: 0.333 },
  'period-ms': { value: 'MS', help: 'how often it is stopped and let go on', usual: 3 },
  out: outFlag,
})
const slowDownFile = fileURLToPath(new URL('uneven/slow-down.mjs', import.meta.url))
const sets = { full: ['full'], slowed: ['slowed'], both: ['full', 'slowed'] }
const folder = temporaryFolder('uneven')
const token = writeToken(folder)

const results = []
try {
  for (const batch of values.batches.split(',').map(Number)) results.push(await measure(batch))
} finally {
  await rm(folder, { recursive: true })
}
report()

/** Images per second of each set of workers, interleaved. All runs must end with the same weights. */
async function measure(batch) {
  const speeds = { full: [], slowed: [], both: [] }
  const hashes = new Set()
  let shares = []
  for (let repeat = 1; repeat <= values.repeats; repeat++) {
    for (const [set, workers] of Object.entries(sets)) {
      const summary = await train(workers, batch)
      speeds[set].push(summary.imagesPerSecond)
      hashes.add(summary.weightsSha256)
      if (set === 'both') shares = summary.perWorker.map(({ name, samples }) => ({ name, samples }))
      process.stderr.write(
        `batch ${batch}, ${repeat}/${values.repeats}  ${set}: ${speeds[set].at(-1).toFixed(0)} images/s\n`,
      )
    }
  }
  if (hashes.size > 1) throw new Error(`${hashes.size} different weights`)
  return { batch, speeds, shares }
}

async function train(workers, batch) {
  const place = join(folder, randomBytes(8).toString('hex'))
  const listen = `127.0.0.1:${await freePort()}`
  const samples = Math.min(batch * values.steps, 15_000)
  const epochs = Math.ceil((batch * values.steps) / samples)
  const size = ['--limit-train', String(samples), '--epochs', String(epochs), '--limit-test', '250']
  const run = [...size, '--validation-split', '0', '--offline']
  const data = ['--dataset', 'synthetic', '--batch-size', String(batch)]
  const cut = [...data, '--shards', String(values.shards), '--threads', '1']
  const reach = ['--listen', listen, '--token-file', token, '--min-workers', String(workers.length), '--run-dir', place]
  const coordinator = start(['coordinator', ...run, ...cut, ...reach])
  const others = workers.map(name => {
    const connect = ['--connect', `ws://${listen}`, '--token-file', token, '--name', name, '--offline']
    const worker = start(['worker', ...connect])
    if (name === 'slowed') slowDownOnceReady(worker.child)
    return worker
  })
  await Promise.all([coordinator, ...others].map(({ ended }) => ended))
  return readSummary(place)
}

/** Slows the worker from its first step on, in a separate process group, so that Ctrl-C does not leave it stopped. */
function slowDownOnceReady(worker) {
  let text = ''
  const listen = chunk => {
    text += chunk
    if (!text.includes('computing on')) return
    for (const stream of [worker.stdout, worker.stderr]) stream.off('data', listen)
    const order = [worker.pid, values.share, values['period-ms']].map(String)
    spawn(process.execPath, [slowDownFile, ...order], { detached: true })
  }
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', listen)
}

function report() {
  const titles = ['batch', 'full', 'slowed', 'their sum', 'both', 'spread', 'of the sum', 'samples of full, slowed']
  const rows = results.map(({ batch, speeds, shares }) => {
    const [full, slowed, both] = [speeds.full, speeds.slowed, speeds.both].map(median)
    const figures = [full, slowed, full + slowed, both].map(figure => figure.toFixed(0))
    const ratio = (both / (full + slowed)).toFixed(2)
    const samples = ['full', 'slowed'].map(wanted => shares.find(({ name }) => name === wanted).samples)
    return [String(batch), ...figures, `± ${(100 * spread(speeds.both)).toFixed(0)} %`, ratio, samples.join(', ')]
  })
  const cut = `${values.shards} shards over 2 workers, one with ${values.share} of the time in turns of ${values['period-ms']} ms`
  const text = `${describeMachine()}; ${values.repeats} repeats\n${cut}; images/s\n\n${markdownTable(titles, rows)}`
  keepResults(values.out, 'uneven', text, { machine: describeMachine(), ...values, results })
}
