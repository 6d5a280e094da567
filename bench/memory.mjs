// Memory of coordinator and workers over a long run: is it flat?
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readSummary, start, temporaryFolder } from './support/lockstep.mjs'
import { describeMachine } from './support/machine.mjs'
import { markdownTable, median } from './support/statistics.mjs'

const { values } = parseArgs({
  options: { steps: { type: 'string', default: '2000' }, workers: { type: 'string', default: '2' } },
})
// 15,000 synthetic samples, of which 12,000 train: 240 steps of 50 an epoch.
const epochs = Math.ceil(Number(values.steps) / 240)
const folder = join(temporaryFolder('memory'), 'run')
const flags = ['--dataset', 'synthetic', '--epochs', String(epochs), '--workers', values.workers, '--run-dir', folder]
const { child, ended } = start(['train', ...flags, '--offline'])
const samples = new Map()
const sampling = setInterval(() => sample(child.pid), 500)
await ended.finally(() => clearInterval(sampling))

const { steps } = readSummary(folder)
const rows = [...samples].map(([name, resident]) => {
  const early = median(slice(resident, 0.2, 0.4))
  const late = median(slice(resident, 0.8, 1))
  return [name, megabytes(early), megabytes(late), `${(100 * (late / early - 1)).toFixed(1)} %`]
})
process.stdout.write(
  `${describeMachine()}\n${steps} steps, median resident memory in the second and in the last fifth\n\n`,
)
process.stdout.write(markdownTable(['process', 'early', 'late', 'growth'], rows))
await rm(folder, { recursive: true })

function sample(coordinator) {
  note('coordinator', coordinator)
  const children = read(`/proc/${coordinator}/task/${coordinator}/children`).trim()
  for (const [index, id] of children.split(' ').filter(Boolean).entries()) note(`worker ${index + 1}`, id)
}

function note(name, id) {
  const kilobytes = read(`/proc/${id}/status`).match(/VmRSS:\s+(\d+) kB/)?.[1]
  if (kilobytes === undefined) return
  if (!samples.has(name)) samples.set(name, [])
  samples.get(name).push(Number(kilobytes) * 1024)
}

/** The file's text, or none when the process has ended in between. */
function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return ''
    throw error
  }
}

function slice(list, from, to) {
  return list.slice(Math.floor(list.length * from), Math.ceil(list.length * to))
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
