// What protection costs: images per second with checkpoints, a supervisor and audits beside none of them, interleaved.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { createProgress } from './support/progress.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { createRecord } from './support/run-record.mjs'
import { markdownTable, median, spread } from './support/statistics.mjs'

const values = readFlags({
  repeats: { value: 'N', help: 'interleaved runs of each kind', usual: 5 },
  epochs: { value: 'N', help: 'epochs of a run; the first does not count', usual: 6 },
  workers: { value: 'N', help: 'local workers', usual: 2 },
  out: outFlag,
})

/** `least`: the least share of the speed without protection that must remain. */
const contestants = [
  { name: 'none', flags: [] },
  { name: 'checkpoint every 50 steps', flags: ['--checkpoint-every', '50'], least: 0.98 },
  { name: 'all', flags: ['--checkpoint-every', '50', '--supervise'], least: 0.98 },
  { name: 'all, and --audit 0.05', flags: ['--checkpoint-every', '50', '--supervise', '--audit', '0.05'] },
]
const { epochs, repeats, workers } = values
const folder = temporaryFolder('protection')
const progress = createProgress()
const startedAtMs = performance.now()
const speeds = new Map(contestants.map(({ name }) => [name, []]))
const hashes = new Set()
try {
  for (let repeat = 1; repeat <= repeats; repeat++) await runAll(repeat)
} finally {
  progress.stop()
  await rm(folder, { recursive: true })
}
report()

/** Every second repeat is in reverse order, so that no contestant always follows the same one. */
async function runAll(repeat) {
  const inTurn = repeat % 2 === 1 ? contestants : [...contestants].reverse()
  for (const [index, { name, flags }] of inTurn.entries()) {
    const { speed, hash } = await train(flags)
    speeds.get(name).push(speed)
    hashes.add(hash)
    const done = (repeat - 1) * contestants.length + index + 1
    const seconds = (performance.now() - startedAtMs) / 1000
    const text = `${repeat}/${repeats}  ${name}: ${speed.toFixed(0)} images/s`
    progress.show(seconds, (seconds * repeats * contestants.length) / done, text)
  }
}

/**
 * Images per second from the end of the first epoch to that of the last, by wall-clock time: a run's own figure counts
 * only the time of steps, without checkpoints.
 */
async function train(flags) {
  const place = join(folder, 'run')
  const run = ['--dataset', 'synthetic', '--validation-split', '0', '--limit-test', '500', '--epochs', String(epochs)]
  const { child, ended } = start([
    ...['train', ...run, '--workers', String(workers), '--run-dir', place, '--offline', '--json'],
    ...flags,
  ])
  const record = createRecord()
  record.follow(child.stdout)
  await ended
  const ends = record.events.filter(({ type }) => type === 'epoch').map(({ atMs }) => atMs)
  const { trainSamples, weightsSha256: hash } = readSummary(place)
  await rm(place, { recursive: true })
  return { speed: ((epochs - 1) * trainSamples * 1000) / (ends.at(-1) - ends[0]), hash }
}

function report() {
  const bare = speeds.get('none')
  const rows = contestants.map(({ name, least }) => {
    const own = speeds.get(name)
    // Compare runs of the same repeat: they are close in time, so other load on the machine affects both.
    const share = median(own.map((speed, repeat) => speed / bare[repeat]))
    return { name, least, imagesPerSecond: median(own), spread: spread(own), share, runs: own }
  })
  const cells = rows.map(({ name, imagesPerSecond, spread: width, share, least }) => [
    name,
    `${imagesPerSecond.toFixed(0)} ± ${(100 * width).toFixed(0)} %`,
    share.toFixed(3),
    least === undefined ? '' : `≥ ${least}`,
  ])
  const heading = `${describeMachine()}; ${workers} workers, ${repeats} repeats; shares are medians over the repeats\n\n`
  const text = `${heading}${markdownTable(['protection', 'images/s', 'share of none', 'wanted'], cells)}`
  keepResults(values.out, 'protection', text, { machine: describeMachine(), ...values, rows })
  if (hashes.size > 1) process.stdout.write(`DIFFERENT weights: ${[...hashes].join(', ')}\n`)
  if (hashes.size > 1 || rows.some(({ share, least }) => share < least)) process.exitCode = 1
}
