// Deliberate bugs in a copy of the product: which seed of the simulation finds each, and what does it report?
import { fork, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mutations } from './simulate/mutations.mjs'
import { readFlags } from './support/flags.mjs'
import { temporaryFolder } from './support/lockstep.mjs'
import { markdownTable } from './support/statistics.mjs'

const values = readFlags({
  seeds: { value: 'N', help: 'seeds in which a bug is looked for', usual: 2_000 },
  only: { value: 'TEXT', help: 'bugs whose name or file has this in it', usual: '', shown: 'all' },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const runFile = fileURLToPath(new URL('simulate/run-seeds.mjs', import.meta.url))
/** The packages under simulation are copied; the others are only linked. */
const copied = ['protocol', 'data', 'model', 'coordinator', 'worker', 'simulation']

const copy = temporaryFolder('mutations')
const rows = []
try {
  copyProduct()
  for (const mutation of mutations.filter(isWanted)) rows.push(await find(mutation))
} finally {
  rmSync(copy, { recursive: true })
}
process.stdout.write(markdownTable(['bug', 'in', 'seed', 'what the simulation says'], rows))
process.exitCode = rows.some(([, , seed]) => seed === 'not found') ? 1 : 0

function isWanted({ name, file }) {
  return name.includes(values.only) || file.includes(values.only)
}

function copyProduct() {
  mkdirSync(join(copy, 'packages'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  cpSync(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'))
  for (const name of readdirSync(join(root, 'packages'))) {
    const [from, to] = [join(root, 'packages', name), join(copy, 'packages', name)]
    if (copied.includes(name)) cpSync(from, to, { recursive: true, verbatimSymlinks: true })
    else symlinkSync(from, to)
  }
}

/** Inserts the bug, searches for it by simulation, and removes it. */
async function find({ name, file, from, to }) {
  const path = join(copy, 'packages', file)
  const original = readFileSync(path, 'utf8')
  if (original.split(from).length !== 2) throw new Error(`${name}: ${file} does not hold this text once: ${from}`)
  writeFileSync(
    path,
    original.replace(from, () => to),
  )
  build(file)
  const found = await firstFailure()
  writeFileSync(path, original)
  build(file)
  process.stderr.write(`${name}: ${found === null ? 'not found' : `seed ${found.seed}`}\n`)
  const text = found?.violation.split('\n')[0].replaceAll('|', '\\|') ?? ''
  return [name, file.replace('/src', ''), found === null ? 'not found' : String(found.seed), text]
}

/** Ignores type errors, such as names that a bug leaves unused. */
function build(file) {
  const folder = join(copy, 'packages', file.split('/')[0])
  spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], { cwd: folder, stdio: 'ignore' })
}

function firstFailure() {
  return new Promise((resolve, reject) => {
    const order = { from: 1, until: 1 + values.seeds, step: 1 }
    const child = fork(runFile, [JSON.stringify(order), copy])
    child.on('message', result => {
      if (result.violation === null) return
      resolve(result)
      child.kill()
    })
    child.once('error', reject)
    child.once('close', () => resolve(null))
  })
}
