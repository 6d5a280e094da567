// A worker that flips a bit of its gradients: do audits find it, and what do the weights contain until they do?
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { on } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { writeToken } from './support/reach.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { markdownTable } from './support/statistics.mjs'

const values = readFlags({
  dataset: { value: 'NAME', help: 'data set', of: ['cifar10', 'cifar100', 'synthetic'], usual: 'cifar10' },
  samples: { value: 'N', help: 'training samples, of which four fifths train', usual: 20_000 },
  epochs: { value: 'N', help: 'epochs of a run', usual: 1 },
  shards: { value: 'N', help: 'shards of a step', usual: 4 },
  audit: { value: 'P', help: 'fraction of the shards that are computed twice', usual: 0.05 },
  'from-step': { value: 'N', help: 'step in which the worker begins to compute wrongly', usual: 62 },
  out: outFlag,
})
const flippingWorker = fileURLToPath(new URL('../packages/cli/test/support/flipping-worker.mjs', import.meta.url))
const { audit, 'from-step': fromStep } = values

/** `isRight`: the weights must be those of the undisturbed run. `isFound`: the worker must be excluded. */
const cases = [
  { name: 'no wrong worker, no audits', audit: 0, wrong: null, isRight: true },
  { name: 'no wrong worker, audits', audit, wrong: null, isRight: true },
  { name: 'wrong from an audited shard on', audit, wrong: { fromStep, audit }, isRight: true, isFound: true },
  { name: `wrong from step ${fromStep} on`, audit, wrong: { fromStep }, isFound: true },
  { name: `wrong from step ${fromStep} on, all audited`, audit: 1, wrong: { fromStep }, isRight: true, isFound: true },
  { name: `wrong from step ${fromStep} on, no audits`, audit: 0, wrong: { fromStep } },
]
const folder = temporaryFolder('audit')
const tokenFile = writeToken(folder)

const results = []
try {
  for (const each of cases) results.push(await play(each))
} finally {
  await rm(folder, { recursive: true })
}
report()

/** Runs a case with two local workers and a third one, which is wrong in most cases. */
async function play({ name, audit, wrong, ...expected }) {
  const place = join(folder, randomBytes(8).toString('hex'))
  const size = ['--limit-train', String(values.samples), '--limit-test', '1000', '--epochs', String(values.epochs)]
  const cut = ['--dataset', values.dataset, '--shards', String(values.shards), '--threads', '1', '--offline']
  const reach = ['--workers', '2', '--token-file', tokenFile, '--run-dir', place, '--audit', String(audit)]
  const run = start(['train', ...size, ...cut, ...reach])
  const url = await listeningAt(run.child)
  const third =
    wrong === null
      ? start(['worker', '--connect', url, '--token-file', tokenFile, '--name', 'third', '--offline']).ended
      : startFlipping({ url, token: readFileSync(tokenFile, 'utf8'), name: 'third', ...wrong })
  await run.ended
  const told = await third
  const summary = readSummary(place)
  const { cause, outcome } = summary.perWorker.find(worker => worker.name === 'third')
  const isRight = summary.weightsSha256 === (results[0]?.summary ?? summary).weightsSha256
  process.stderr.write(`${name}: ${isRight ? 'the weights' : 'OTHER weights'}; third worker ${outcome}\n`)
  return { name, audit, summary, cause, outcome, isRight, expected, told: wrong === null ? null : JSON.parse(told) }
}

async function listeningAt(child) {
  let printed = ''
  for await (const [chunk] of on(child.stdout, 'data', { close: ['end'] })) {
    printed += chunk
    const url = /listening on (ws:\/\/\S+)/.exec(printed)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`the run has ended:\n${printed}`)
}

async function startFlipping(order) {
  const child = spawn(process.execPath, [flippingWorker, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return text(child.stdout)
}

function report() {
  const titles = ['', '--audit', 'wrong shards', 'first in step', 'found in step', 'weights']
  const rows = results.map(({ name, audit, told, cause, outcome, isRight }) => {
    const found = cause === 'excluded' ? (/ of step (\d+) /.exec(outcome)?.[1] ?? '') : 'never'
    const wrong = told === null ? ['0', '', ''] : [String(told.flips.length), String(told.flips[0]?.step ?? ''), found]
    return [name, String(audit), ...wrong, isRight ? 'right' : 'others']
  })
  const size = `${values.dataset}, ${values.samples} samples, ${results[0].summary.steps} steps of ${values.shards} shards, 3 workers`
  const printed = `${describeMachine()}\n${size}\n\n${markdownTable(titles, rows)}`
  keepResults(values.out, 'audit', printed, { machine: describeMachine(), ...values, results })
  const isAsExpected = ({ isRight, cause, expected }) =>
    (!expected.isRight || isRight) && (!expected.isFound || cause === 'excluded')
  if (!results.every(isAsExpected)) process.exitCode = 1
}
