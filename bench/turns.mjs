// What a run keeps of what its two workers could compute: it and two processes that only compute, in turns of seconds.
// A machine whose speed changes is as fast for the one as for the other, which whole runs one after the other cannot say.
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFlags } from './support/flags.mjs'
import { start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { localWorkersOf, sendSignal } from './support/process-tree.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { markdownTable, median } from './support/statistics.mjs'
import { startCeiling } from './train/ceiling.mjs'
import { prepareData } from './train/data.mjs'

const values = readFlags({
  batches: { value: 'LIST', help: 'global batch sizes, even numbers', usual: '50,400' },
  precision: { value: 'NAME', help: 'float32 or bfloat16', usual: 'float32' },
  turns: { value: 'N', help: 'turns of each', usual: 30 },
  seconds: { value: 'S', help: 'length of a turn', usual: 2 },
  out: outFlag,
})
/** After a stop they find the caches filled by others. */
const stepsToSettle = 2
/** Which may be as long as a stop, since graphs are compiled in them. */
const firstSteps = 5
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

/** The images per second of each of a run's turns, beside the mean of the two turns of bare computing around it. */
async function measure(batch, { dataDir }) {
  const ceiling = await startCeiling({ folder, precision: values.precision, batch })
  const steps = Math.ceil((values.seconds * (await ceiling.measure(stepsToSettle))) / batch)
  const place = join(folder, `batch-${batch}`)
  const run = startRun(batch, dataDir, place)
  try {
    while (readSteps(place).length === 0) await Promise.race([sleep(500), run.ended])
    await sleep(1000 * warmUpSeconds)
    const bare = await takeTurns(run.child.pid, ceiling, batch, steps)
    run.child.kill('SIGINT')
    await run.ended.catch(() => undefined)
    const own = splitAtStops(readSteps(place), batch)
    if (own.length !== bare.length - 1) throw new Error(`${own.length} turns instead of ${bare.length - 1}`)
    return { batch, own, bare, shares: own.map((speed, at) => speed / ((bare[at] + bare[at + 1]) / 2)) }
  } finally {
    run.child.kill('SIGKILL')
    await ceiling.end()
  }
}

function startRun(batch, dataDir, place) {
  const size = ['--limit-test', '250', '--validation-split', '0', '--epochs', '1000', '--batch-size', String(batch)]
  const crew = ['--workers', '2', '--shards', '2', '--threads', '1', '--precision', values.precision]
  const kept = ['--run-dir', place, '--log-steps']
  return start(['train', '--dataset', 'cifar10', '--data-dir', dataDir, ...size, ...crew, ...kept])
}

/** Stops the run for as long as the others compute, from one turn to the next. */
async function takeTurns(pid, ceiling, batch, steps) {
  const processes = [pid, ...localWorkersOf(pid)]
  // A process that is stopped does not hear a Ctrl-C.
  process.once('SIGINT', () => {
    for (const each of processes) sendSignal(each, 'SIGKILL')
    process.exit(130)
  })
  const bare = []
  for (let turn = 0; turn <= values.turns; turn++) {
    if (turn > 0) await sleep(1000 * values.seconds)
    await stopped(processes, async () => {
      await ceiling.measure(stepsToSettle)
      bare.push(await ceiling.measure(steps))
    })
    process.stderr.write(`batch ${batch}, turn ${turn} of ${values.turns}: ${bare.at(-1).toFixed(0)} images/s alone\n`)
  }
  return bare
}

async function stopped(processes, work) {
  for (const pid of processes) sendSignal(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    for (const pid of processes) sendSignal(pid, 'SIGCONT')
  }
}

/** The milliseconds of every step, without what lies between two. */
function readSteps(place) {
  const file = join(place, 'metrics.jsonl')
  if (!existsSync(file)) return []
  const entries = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return entries
    .map(line => JSON.parse(line))
    .flatMap(({ type, milliseconds }) => (type === 'step' ? [milliseconds] : []))
}

/** The images per second between two steps that a stop has made long. */
function splitAtStops(steps, batch) {
  const stops = steps.flatMap((ms, at) => (at >= firstSteps && ms > 500 * values.seconds ? [at] : []))
  return stops.slice(1).map((end, index) => {
    const settled = steps.slice(stops[index] + 1 + stepsToSettle, end)
    return (1000 * batch * settled.length) / settled.reduce((sum, ms) => sum + ms, 0)
  })
}

function report() {
  const titles = ['batch', 'two workers without communication', 'run', 'share', 'middle half of the turns']
  const rows = results.map(({ batch, own, bare, shares }) => {
    const sorted = [...shares].sort((a, b) => a - b)
    const quartiles = [0.25, 0.75].map(part => sorted[Math.floor(part * sorted.length)].toFixed(3))
    return [batch, median(bare).toFixed(0), median(own).toFixed(0), median(shares).toFixed(3), quartiles.join(' to ')]
  })
  const text = `${describeMachine()}; ${values.turns} turns of ${values.seconds} s, ${values.precision}; images/s\n\n${markdownTable(titles, rows)}`
  keepResults(values.out, 'turns', text, { machine: describeMachine(), ...values, results })
}
