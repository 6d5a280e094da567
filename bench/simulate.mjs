// Coordinator and workers in one process under every kind of failure, from a seed: is each sample counted once?
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { drawScenario, shrink, simulate } from '@lockstep/simulation'
import { createProgressBar } from '../packages/cli/dist/terminal/progress.js'
import { describeFailure, describeScenario } from './simulate/describe.mjs'
import { readFlags } from './support/flags.mjs'
import { markdownTable } from './support/statistics.mjs'

const values = readFlags({
  seeds: { value: 'N', help: 'schedules', usual: 10_000 },
  from: { value: 'N', help: 'seed of the first one', usual: 1 },
  jobs: { value: 'N', help: 'processes', usual: availableParallelism(), shown: 'one for each core' },
  seed: { value: 'N', help: 'only this one, told event by event' },
  faults: { value: 'LIST', help: 'with --seed: which of its faults, by their numbers (all)' },
})
const runFile = fileURLToPath(new URL('simulate/run-seeds.mjs', import.meta.url))
/** At most this many failures are shown, with shortened schedules. */
const mostShown = 5
/** At most this many others are listed. */
const mostListed = 50

process.exitCode = values.seed === undefined ? await runMany() : await runOne(values.seed, values.faults)

/** Replays one seed and shows what happens. */
async function runOne(seed, chosen) {
  const drawn = drawScenario(seed)
  const numbers = chosen
    ?.split(',')
    .filter(number => number !== '')
    .map(Number)
  const faults = drawn.faults.filter((_, at) => numbers === undefined || numbers.includes(at + 1))
  const scenario = { ...drawn, faults }
  process.stdout.write(describeScenario(scenario))
  const result = await simulate(scenario)
  const { violation, events, simulatedMs } = result
  const length = `${events} events, ${(simulatedMs / 1000).toFixed(2)} simulated seconds`
  if (violation === null) process.stdout.write(`all is right: ${length}\n`)
  else process.stdout.write(`${length}\n${describeFailure(result, await shrink(result))}`)
  return violation === null ? 0 : 1
}

async function runMany() {
  const { seeds, from, jobs } = values
  const bar = createProgressBar(process.stderr)
  const totals = { seeds: 0, groups: 0, events: 0, simulatedMs: 0, inflicted: new Map(), failures: [] }
  const startMs = performance.now()
  const update = () => bar.update({ label: 'simulating', done: totals.seeds, total: seeds, unit: 'schedules' })
  update()
  await Promise.all(
    Array.from({ length: jobs }, (_, job) =>
      runSeeds({ from: from + job, until: from + seeds, step: jobs }, result => {
        add(totals, result)
        update()
      }),
    ),
  )
  bar.stop()
  await report(totals, (performance.now() - startMs) / 1000)
  return totals.failures.length === 0 ? 0 : 1
}

function runSeeds(order, onResult) {
  return new Promise((resolve, reject) => {
    const child = fork(runFile, [JSON.stringify(order)])
    child.on('message', onResult)
    child.once('error', reject)
    child.once('close', code => (code === 0 ? resolve() : reject(new Error(`a process ended with ${code}`))))
  })
}

function add(totals, { seed, groups, events, simulatedMs, inflicted, violation }) {
  totals.seeds += 1
  totals.groups += groups
  totals.events += events
  totals.simulatedMs += simulatedMs
  for (const kind of inflicted) totals.inflicted.set(kind, (totals.inflicted.get(kind) ?? 0) + 1)
  if (violation !== null) totals.failures.push(seed)
}

async function report({ seeds, groups, events, simulatedMs, inflicted, failures }, seconds) {
  const rows = [...inflicted].sort((a, b) => b[1] - a[1]).map(([kind, times]) => [kind, String(times)])
  const faults = [...inflicted.values()].reduce((sum, times) => sum + times, 0)
  process.stdout.write(
    `${seeds} schedules in ${seconds.toFixed(0)} s: ${faults} faults, ${groups} groups of workers, ${events} events, ` +
      `${(simulatedMs / 3_600_000).toFixed(1)} simulated hours; ${failures.length} failed\n\n` +
      `${markdownTable(['fault', 'times'], rows)}\n`,
  )
  for (const seed of failures.sort((a, b) => a - b).slice(0, mostShown)) {
    const failed = await simulate(drawScenario(seed))
    process.stdout.write(`${describeFailure(failed, await shrink(failed))}\n`)
  }
  const further = failures.slice(mostShown)
  if (further.length > 0) {
    const listed = further.slice(0, mostListed).join(' ')
    const more = further.length > mostListed ? ` and ${further.length - mostListed} more` : ''
    process.stdout.write(`further seeds that fail: ${listed}${more}\n`)
  }
}
