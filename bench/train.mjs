// Whole runs beside tfjs-node's model.fit and Keras's fit: images per second, interleaved, medians.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mainFile, readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { kerasPython } from './support/python.mjs'
import { markdownTable, median, spread } from './support/statistics.mjs'

const { values } = parseArgs({
  options: {
    repeats: { type: 'string', default: '5' },
    samples: { type: 'string', default: '10000' },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
  },
})
const { samples } = values
const epochs = 2
const baseline = name => fileURLToPath(new URL(`baselines/${name}`, import.meta.url))
const folder = temporaryFolder('train')
execFileSync(process.execPath, [mainFile, 'data', 'synthesize', '--format', 'cifar10', '--out', folder])
const python = kerasPython()

const contestants = [
  ['lockstep, 2 workers × 1 thread', () => lockstep(2)],
  ['lockstep, 1 worker × 1 thread', () => lockstep(1)],
  ['tfjs-node fit, 2 threads', async () => fit(process.execPath, 'tfjs-fit.mjs', 2)],
  ['tfjs-node fit, 1 thread', async () => fit(process.execPath, 'tfjs-fit.mjs', 1)],
  ...(python === null ? [] : [['Keras fit, 2 threads', async () => fit(python, 'keras_fit.py', 2)]]),
]
const speeds = new Map(contestants.map(([name]) => [name, []]))
for (let repeat = 1; repeat <= Number(values.repeats); repeat++) {
  for (const [name, run] of contestants) {
    speeds.get(name).push(await run(repeat))
    process.stderr.write(`${repeat}/${values.repeats}  ${name}: ${speeds.get(name).at(-1).toFixed(0)} images/s\n`)
  }
}
await rm(folder, { recursive: true })
report()

async function lockstep(workers) {
  const place = join(folder, `run-${workers}-${Math.random()}`)
  const size = ['--limit-train', samples, '--limit-test', '250', '--validation-split', '0', '--epochs', String(epochs)]
  const data = ['--dataset', 'cifar10', '--data-dir', folder]
  await start(['train', ...data, ...size, '--workers', String(workers), '--run-dir', place]).ended
  return readSummary(place).imagesPerSecond
}

function fit(command, script, threads) {
  const args = [baseline(script), folder, samples, String(epochs), String(threads)]
  return median(JSON.parse(execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n').at(-1)))
}

function report() {
  const best = median(speeds.get(contestants[0][0]))
  const rows = contestants.map(([name]) => {
    const measured = speeds.get(name)
    const middle = median(measured)
    return [name, middle.toFixed(0), `± ${(100 * spread(measured)).toFixed(0)} %`, `${(best / middle).toFixed(2)}×`]
  })
  const table = markdownTable(['batch 50, reference net', 'images/s', 'spread', 'lockstep is'], rows)
  const text = `${describeMachine()}; ${values.repeats} repeats, ${epochs} epochs of ${samples}\n\n${table}`
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, 'train.md'), text)
  writeFileSync(join(values.out, 'train.json'), JSON.stringify({ machine: describeMachine(), speeds: [...speeds] }))
  process.stdout.write(text)
}
