// The share of its two workers' bare computing speed that a run reaches: it and two processes that only compute, in turns.
// If the speed of the machine changes, that affects both alike, unlike in whole runs one after the other.
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFlags } from './support/flags.mjs'
import { start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { localWorkersOf, sendSignal } from './support/process-tree.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { createRecord } from './support/run-record.mjs'
import { markdownTable, median } from './support/statistics.mjs'
import { startCeiling } from './train/ceiling.mjs'
import { precisions } from './train/contestants.mjs'
import { prepareData } from './train/data.mjs'

const values = readFlags({
  batches: { value: 'LIST', help: 'global batch sizes, even numbers', usual: '50,400' },
  precision: { value: 'NAME', help: 'arithmetic of both', of: precisions, usual: 'float32' },
  turns: { value: 'N', help: 'turns of each', usual: 30 },
  seconds: { value: 'S', help: 'length of a turn', usual: 2 },
  out: outFlag,
})
const kinds = { alone: 'each for itself', inStep: 'each step begun when both have done the one before' }
/** Steps after a pause that do not count, because the CPU caches have other contents. */
const stepsToSettle = 2
const startsWithinMs = 120_000
const warmUpSeconds = 10

const folder = temporaryFolder('turns')
const results = []
try {
  const data = await prepareData(folder)
  for (const batch of values.batches.split(',').map(Number)) results.push(await measure(batch, data))
} finally {
  await rm(folder, { recursive: true })
}
report()

/** The images per second of each of a run's turns, and of the computing-only turns around them. */
async function measure(batch, { dataDir }) {
  const ceiling = await startCeiling({ folder, precision: values.precision, batch })
  const run = startRun(batch, dataDir)
  const closed = once(run.child, 'close')
  const record = createRecord()
  record.follow(run.child.stdout)
  const endedEarly = run.ended.then(() => {
    throw new Error('the run has ended by itself')
  })
  try {
    const { own, bare } = await Promise.race([takeTurns(run.child.pid, record, ceiling, batch), endedEarly])
    return { batch, own, bare }
  } finally {
    run.child.kill('SIGKILL')
    await Promise.all([closed, ceiling.end()])
  }
}

function startRun(batch, dataDir) {
  const size = ['--limit-test', '250', '--validation-split', '0', '--epochs', '1000', '--batch-size', String(batch)]
  const workerFlags = ['--workers', '2', '--shards', '2', '--threads', '1', '--precision', values.precision]
  const kept = ['--run-dir', join(folder, `batch-${batch}`), '--log-steps', '--json']
  return start(['train', '--dataset', 'cifar10', '--data-dir', dataDir, ...size, ...workerFlags, ...kept])
}

/** Measures the images per second of both in turns: the run is stopped while the others compute. */
async function takeTurns(pid, record, ceiling, batch) {
  if (!(await record.until(({ steps }) => steps.length > 0, { timeoutMs: startsWithinMs })))
    throw new Error(`no step within ${startsWithinMs / 1000} s`)
  const processes = [pid, ...localWorkersOf(pid)]
  // A stopped process does not react to Ctrl-C, so kill it.
  process.once('SIGINT', () => {
    for (const each of processes) sendSignal(each, 'SIGKILL')
    process.exit(130)
  })
  const first = await stopped(processes, () => ceiling.measureAlone(stepsToSettle))
  const steps = Math.ceil((values.seconds * first) / batch)
  await sleep(1000 * warmUpSeconds)
  const own = []
  const bare = []
  for (let turn = 0; turn <= values.turns; turn++) {
    if (turn > 0) own.push(await measureRun(record, batch))
    await stopped(processes, async () => {
      await ceiling.measureAlone(stepsToSettle)
      bare.push({ alone: await ceiling.measureAlone(steps), inStep: await ceiling.measureInStep(steps) })
    })
    process.stderr.write(
      `batch ${batch}, turn ${turn} of ${values.turns}: ${bare.at(-1).alone.toFixed(0)} images/s alone\n`,
    )
  }
  return { own, bare }
}

async function stopped(processes, work) {
  for (const pid of processes) sendSignal(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    for (const pid of processes) sendSignal(pid, 'SIGCONT')
  }
}

/** Measures from the end of the last settling step to that of the last step in the turn. */
async function measureRun({ steps }, batch) {
  const before = steps.length
  await sleep(1000 * values.seconds)
  const settled = steps.slice(before + stepsToSettle)
  if (settled.length < 2) throw new Error(`${settled.length} steps in a turn: make it longer with --seconds`)
  return (1000 * batch * (settled.length - 1)) / (settled.at(-1).atMs - settled[0].atMs)
}

function report() {
  const titles = ['batch', 'two workers without communication', 'images/s', 'run', 'share', 'middle half of the turns']
  const rows = results.flatMap(({ batch, own, bare }) =>
    Object.entries(kinds).map(([kind, title]) => {
      const speeds = bare.map(turn => turn[kind])
      const shares = own.map((speed, at) => speed / ((speeds[at] + speeds[at + 1]) / 2)).sort((a, b) => a - b)
      const quartiles = [0.25, 0.75].map(part => shares[Math.floor(part * shares.length)].toFixed(3))
      return [
        batch,
        title,
        ...[speeds, own].map(of => median(of).toFixed(0)),
        median(shares).toFixed(3),
        quartiles.join(' to '),
      ]
    }),
  )
  const text = `${describeMachine()}; ${values.turns} turns of ${values.seconds} s, ${values.precision}\n\n${markdownTable(titles, rows)}`
  keepResults(values.out, 'turns', text, { machine: describeMachine(), ...values, results })
}
