// Real processes on CIFAR-10 under random faults of all kinds: does the run end with the undisturbed weights?
import { renderReport } from './chaos/report.mjs'
import { playRound, variants } from './chaos/round.mjs'
import { createStage } from './chaos/stage.mjs'
import { trainUndisturbed } from './chaos/undisturbed.mjs'
import { readFlags } from './support/flags.mjs'
import { readMachine } from './support/machine.mjs'
import { listOwnNamespaces } from './support/network.mjs'
import { createProgress } from './support/progress.mjs'
import { keepResults, outFlag } from './support/results.mjs'

const values = readFlags(
  {
    minutes: { value: 'N', help: 'time for all of it, at least 2', usual: 3 },
    seed: { value: 'N', help: 'seed of the faults and their order', usual: 1 },
    samples: { value: 'N', help: 'training samples of CIFAR-10, of which four fifths train', usual: 20_000 },
    churn: { help: 'workers join and leave at random besides' },
    audit: { value: 'P', help: 'have a fraction of the shards computed twice' },
    out: outFlag,
  },
  { notes: 'Needs root, iproute2 and CIFAR-10 (LOCKSTEP_DATA_DIR, or the cache of `pnpm cli data fetch`).' },
)

/**
 * How many times longer a round takes than the undisturbed run: twice the workers per core, restarts, repeated steps.
 */
const slowDown = 3
/** A round of about this length has every kind of fault. */
const roundSeconds = 150
/** Time for the calibration and everything else that is not a round. */
const spareSeconds = 20

const settings = {
  seed: values.seed,
  churn: values.churn,
  audit: values.audit ?? null,
  out: values.out,
}
const allSeconds = 60 * values.minutes
const startedAtMs = performance.now()
const passed = () => (performance.now() - startedAtMs) / 1000
const progress = createProgress()
const report = { measuredAt: new Date().toISOString(), machine: readMachine(), settings, reference: null, rounds: [] }

const stage = await createStage()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, leave)
try {
  await playAll()
} finally {
  progress.stop()
  await stage.remove()
}
const stray = listOwnNamespaces()
keepResults(values.out, 'chaos', renderReport(report), report)
if (stray.length > 0) process.stdout.write(`\nnamespaces left: ${stray.join(', ')}\n`)
if (stray.length > 0 || report.rounds.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1

async function playAll() {
  const rounds = Math.max(variants.length, Math.round(allSeconds / roundSeconds))
  const seconds = (allSeconds - spareSeconds) / (rounds + 1 / slowDown)
  const config = await calibrate(seconds)
  const undisturbed = await trainUndisturbed(stage, config, 'undisturbed', ({ steps }) =>
    progress.show(passed(), allSeconds, `undisturbed: step ${steps.length}`),
  )
  report.reference = describeReference(undisturbed.summary)
  let longest = seconds
  for (let number = 1; number <= variants.length || passed() + longest / 2 < allSeconds; number++) {
    const round = await playRound({
      ...{ number, stage, config, reference: undisturbed, seconds, settings },
      onProgress: (record, faults) =>
        progress.show(passed(), allSeconds, describe(record, faults, `round ${number}`, undisturbed.summary)),
    })
    longest = Math.max(longest, round.seconds)
    report.rounds.push(round)
    progress.say(`round ${number}: ${round.faults.length} faults, ${describeOutcome(round)}`)
  }
}

/** Determines the number of epochs that a disturbed run can do in `seconds`. */
async function calibrate(seconds) {
  const [samples, seed] = [values.samples, values.seed].map(String)
  const shape = ['--dataset', 'cifar10', '--limit-train', samples, '--shards', '4', '--seed', seed]
  const once = [...shape, '--epochs', '1']
  const { secondsPerEpoch } = await trainUndisturbed(stage, once, 'calibration', () =>
    progress.show(passed(), allSeconds, 'calibration'),
  )
  return [...shape, '--epochs', String(Math.max(2, Math.round(seconds / slowDown / secondsPerEpoch)))]
}

function describeReference({ epochs, trainSamples, steps, trainSeconds, weightsSha256 }) {
  return { epochs, trainSamples, steps, seconds: trainSeconds, weightsSha256 }
}

function describe({ steps, phase, active }, faults, round, { steps: all }) {
  const kills = faults.filter(({ kind }) => kind === 'coordinator killed').length
  return `${round}  step ${steps.at(-1)?.step ?? 0}/${all}, ${phase}, ${active} workers  ${faults.length} faults, ${kills} coordinator kills`
}

function describeOutcome({ wrong, weightsSha256 }) {
  return wrong.length === 0 ? `right: ${weightsSha256.slice(0, 12)}` : `WRONG: ${wrong[0]}`
}

/** Ends the processes in the namespaces, and removes the namespaces, the disk and the folder. */
function leave() {
  progress.stop()
  stage.tearDown()
  process.exit(130)
}
