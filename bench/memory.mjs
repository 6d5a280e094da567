// Memory of coordinator and workers over a long run: is it flat?
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readFlags } from './support/flags.mjs'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { childrenOf, commandOf, residentBytes } from './support/process-tree.mjs'
import { createProgress } from './support/progress.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { createRecord } from './support/run-record.mjs'
import { markdownTable, median } from './support/statistics.mjs'

const values = readFlags({
  steps: { value: 'N', help: 'steps of the run, about', usual: 20_000 },
  from: { value: 'N', help: 'step by which V8 has grown its heaps and TensorFlow its arenas', usual: 2_000 },
  workers: { value: 'N', help: 'local workers', usual: 2 },
  topology: { value: 'NAME', help: 'route of the gradients', of: ['star', 'direct', 'auto'], usual: 'auto' },
  most: { value: 'PERCENT', help: 'largest growth from there to the end; above it the benchmark fails', usual: 10 },
  out: outFlag,
})
/** Each figure is the median over this many steps, a tenth of the run if that is short. */
const stretch = Math.min(1_000, values.steps / 10)
// 15,000 synthetic samples, of which 12,000 are for training: 240 steps of 50 per epoch.
const epochs = Math.ceil(values.steps / 240)
const folder = temporaryFolder('memory')
const run = ['--dataset', 'synthetic', '--epochs', String(epochs), '--workers', String(values.workers)]
const ways = ['--topology', values.topology, '--offline']
const protection = ['--supervise', '--checkpoint-every', '50', '--log-steps', '--json']
const { child, ended } = start(['train', ...run, ...ways, ...protection, '--run-dir', join(folder, 'run')])
const record = createRecord()
record.follow(child.stdout)
const samples = new Map()
const progress = createProgress()
const startedAtMs = performance.now()
const sampling = setInterval(sample, 500)
try {
  await ended.finally(() => clearInterval(sampling))
  progress.stop()
  report(readSummary(join(folder, 'run')).steps)
} finally {
  await rm(folder, { recursive: true })
}

function sample() {
  const step = record.steps.at(-1)?.step ?? 0
  for (const pid of [child.pid, ...descendants(child.pid)]) note(nameOf(pid), pid, step)
  const seconds = (performance.now() - startedAtMs) / 1000
  if (step > 0) progress.show(seconds, (seconds * epochs * 240) / step, `step ${step}`)
}

function descendants(pid) {
  return childrenOf(pid).flatMap(each => [each, ...descendants(each)])
}

/** Names a process by its command and its number. */
function nameOf(pid) {
  const command = commandOf(pid)
  if (!command.includes('main.js')) return null
  if (command.includes('local-worker')) return `worker (${pid})`
  return `${command.includes('supervised-coordinator') ? 'coordinator' : 'supervisor'} (${pid})`
}

function note(name, pid, step) {
  const bytes = name === null ? undefined : residentBytes(pid)
  if (bytes === undefined) return
  if (!samples.has(name)) samples.set(name, [])
  samples.get(name).push({ step, bytes })
}

function report(steps) {
  const { from } = values
  const rows = [...samples].map(([name, sampled]) => {
    const around = (first, last) => {
      const bytes = sampled.filter(({ step }) => step >= first && step <= last).map(each => each.bytes)
      return bytes.length === 0 ? Number.NaN : median(bytes)
    }
    const early = around(from, from + stretch)
    const late = around(steps - stretch, steps)
    const highest = Math.max(...sampled.map(({ bytes }) => bytes))
    return { name, early, late, highest, growth: 100 * (late / early - 1) }
  })
  const titles = ['process', `at step ${from}`, 'at the end', 'highest', 'growth']
  const cells = rows.map(({ name, early, late, highest, growth }) => [
    name,
    ...[early, late, highest].map(megabytes),
    `${growth.toFixed(1)} %`,
  ])
  const heading = `${describeMachine()}\n${steps} steps, resident memory, medians over ${stretch} steps\n\n`
  const text = `${heading}${markdownTable(titles, cells)}`
  keepResults(values.out, 'memory', text, { machine: describeMachine(), steps, rows })
  if (!rows.every(({ growth }) => growth <= values.most)) process.exitCode = 1
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
