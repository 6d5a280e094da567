// Real processes on CIFAR-10 under random faults of all kinds: the weights of the undisturbed run, every sample once?
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { renderReport } from './chaos/report.mjs'
import { playRound, variants } from './chaos/round.mjs'
import { createStage } from './chaos/stage.mjs'
import { trainUndisturbed } from './chaos/undisturbed.mjs'
import { readMachine } from './support/machine.mjs'
import { listOwnNamespaces } from './support/network.mjs'
import { createProgress } from './support/progress.mjs'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    samples: { type: 'string', default: '20000' },
    churn: { type: 'boolean', default: false },
    audit: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage())
  process.exit()
}

/** How much longer a round takes than the undisturbed run: twice the workers on the same cores, restarts, steps done again. */
const slowDown = 3
/** A round of about this length sees every kind of fault. */
const roundSeconds = 150
/** What the calibration takes, and all that is neither training nor waiting. */
const spareSeconds = 20

const settings = {
  seed: Number(values.seed),
  churn: values.churn,
  audit: values.audit ?? null,
  out: values.out,
}
const allSeconds = 60 * Number(values.minutes)
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
const text = renderReport(report)
mkdirSync(values.out, { recursive: true })
writeFileSync(join(values.out, 'chaos.md'), text)
writeFileSync(join(values.out, 'chaos.json'), `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(text)
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

/** As many epochs as a disturbed run of so many seconds can do. */
async function calibrate(seconds) {
  const { samples } = values
  const shape = ['--dataset', 'cifar10', '--limit-train', samples, '--shards', '4', '--seed', values.seed]
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

/** What runs in the namespaces is ended, and they, the disk and the folder are removed. */
function leave() {
  progress.stop()
  stage.tearDown()
  process.exit(130)
}

function usage() {
  return `pnpm bench chaos [flags]

  --minutes N     time for all of it, at least 2 (3)
  --seed N        what fails, in which order (1)
  --samples N     training samples of CIFAR-10, of which four fifths train (20000)
  --churn         workers join and leave at random besides
  --audit P       have a fraction of the shards computed twice
  --out DIR       folder of chaos.md and chaos.json (bench/results)

Needs root, iproute2 and CIFAR-10 (LOCKSTEP_DATA_DIR, or the cache of \`pnpm cli data fetch\`).
`
}
