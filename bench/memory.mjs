// Memory of coordinator and workers over a long run: is it flat?
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { childrenOf, commandOf, residentBytes } from './support/process-tree.mjs'
import { createProgress } from './support/progress.mjs'
import { createRecord } from './support/run-record.mjs'
import { markdownTable, median } from './support/statistics.mjs'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '20000' },
    // By then V8 has grown its heaps and TensorFlow its arenas.
    from: { type: 'string', default: '2000' },
    workers: { type: 'string', default: '2' },
    topology: { type: 'string', default: 'auto' },
    // Growth from there to the end, in percent, above which the benchmark fails.
    most: { type: 'string', default: '10' },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
  },
})
/** A figure is the median over so many steps, or a tenth of a short run. */
const stretch = Math.min(1_000, Number(values.steps) / 10)
// 15,000 synthetic samples, of which 12,000 train: 240 steps of 50 an epoch.
const epochs = Math.ceil(Number(values.steps) / 240)
const folder = temporaryFolder('memory')
const run = ['--dataset', 'synthetic', '--epochs', String(epochs), '--workers', values.workers]
const ways = ['--topology', values.topology, '--offline']
const protection = ['--supervise', '--checkpoint-every', '50', '--log-steps', '--json']
const { child, ended } = start(['train', ...run, ...ways, ...protection, '--run-dir', join(folder, 'run')])
const record = createRecord()
record.follow(child.stdout)
const samples = new Map()
const progress = createProgress()
const startedAtMs = performance.now()
const sampling = setInterval(sample, 500)
await ended.finally(() => clearInterval(sampling))
progress.stop()
report(readSummary(join(folder, 'run')).steps)
await rm(folder, { recursive: true })

function sample() {
  const step = record.steps.at(-1)?.step ?? 0
  for (const pid of [child.pid, ...descendants(child.pid)]) note(nameOf(pid), pid, step)
  const seconds = (performance.now() - startedAtMs) / 1000
  if (step > 0) progress.show(seconds, (seconds * epochs * 240) / step, `step ${step}`)
}

function descendants(pid) {
  return childrenOf(pid).flatMap(each => [each, ...descendants(each)])
}

/** By what it was started as, and its number. */
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
  const from = Number(values.from)
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
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, 'memory.md'), text)
  writeFileSync(join(values.out, 'memory.json'), `${JSON.stringify({ machine: describeMachine(), steps, rows })}\n`)
  process.stdout.write(text)
  if (!rows.every(({ growth }) => growth <= Number(values.most))) process.exitCode = 1
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
