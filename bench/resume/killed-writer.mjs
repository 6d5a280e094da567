// A process writes checkpoints as fast as it can and is killed at random moments, repeatedly in the same run folder.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { findCheckpoint } from '@lockstep/coordinator'
import { createRandom } from '../support/random.mjs'

const writer = fileURLToPath(new URL('../../packages/coordinator/test/support/write-checkpoints.mjs', import.meta.url))

const longestLifeMs = 400
/** The writer takes this many steps after the last kill, to its end. */
const lastSteps = 20

/** Returns what was found after the kills. `wrong` describes what is wrong with it, and is empty if nothing is. */
export async function killWriter({ folder, kills, seed, onProgress }) {
  const random = createRandom(seed)
  const found = { kills, without: 0, inTheMiddle: 0, steps: 0, states: [], wrong: [] }
  let saved = 0
  let next = await startWriter(folder)
  for (let kill = 1; kill <= kills; kill++) {
    const life = next
    const warming = startWriter(folder)
    life.begin(Number.MAX_SAFE_INTEGER)
    await new Promise(resolve => setTimeout(resolve, random.between(0, longestLifeMs)))
    await life.kill()
    const newest = await look(folder, `kill ${kill}`, found)
    if (newest < life.saved()) found.wrong.push(`kill ${kill}: step ${life.saved()} was saved, step ${newest} is there`)
    if (newest < saved) found.wrong.push(`kill ${kill}: step ${saved} was there, step ${newest} is now`)
    saved = newest
    onProgress(kill, saved)
    next = await warming
  }
  next.begin(saved + lastSteps)
  await next.done()
  found.steps = await look(folder, 'at the end', found)
  found.wrong.push(...(await findWrongStates(found)), ...findWrongLines(folder, found.steps))
  return found
}

async function findWrongStates({ states, steps }) {
  const life = await startWriter()
  life.begin(steps)
  await life.done()
  const expected = new Set(life.lines())
  const wrong = states.filter(({ step, hash }) => !expected.has(`${step} ${hash}`))
  return wrong.map(({ when, step }) => `${when}: step ${step} has another state than the undisturbed run`)
}

/** Starts a writer, which loads its code and then waits. */
async function startWriter(...folder) {
  const child = spawn(process.execPath, [writer, ...folder], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  // Ignore write errors: the process may have been killed.
  child.stdin.on('error', () => undefined)
  const lines = []
  const output = createInterface({ input: child.stdout })
  await once(output, 'line')
  output.on('line', line => lines.push(line))
  return {
    begin: steps => child.stdin.end(`${steps}\n`),
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
    done: async () => {
      const [code] = await closed
      if (code !== 0) throw new Error(`the writer ended with ${code}`)
    },
    lines: () => lines,
    saved: () => Number(lines.findLast(line => line.startsWith('saved '))?.split(' ')[1] ?? 0),
  }
}

/** Returns the step of the newest checkpoint, or 0 if the run has not begun. */
async function look(folder, when, found) {
  const files = filesIn(folder)
  if (files.some(name => name.endsWith('.partial'))) found.inTheMiddle++
  if (!files.includes('config.json')) {
    found.without++
    return 0
  }
  const { checkpoint, unusable } = await findCheckpoint(folder, { runId: 'written' })
  for (const { name, reason } of unusable) found.wrong.push(`${when}: ${name} cannot be used: ${reason}`)
  found.states.push({ when, step: checkpoint.step, hash: sha256(checkpoint) })
  return checkpoint.step
}

function filesIn(folder) {
  const places = [folder, join(folder, 'checkpoints')].filter(place => existsSync(place))
  return places.flatMap(place => readdirSync(place))
}

/** Each step and each epoch (of four steps) must have exactly one line, in order. */
function findWrongLines(folder, steps) {
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').split('\n')
  const last = lines.pop()
  const names = lines.map(line => JSON.parse(line)).map(({ type, step }) => `${type} ${step}`)
  const expected = Array.from({ length: steps }, (_, index) => index + 1).flatMap(step =>
    step % 4 === 0 ? [`step ${step}`, `epoch ${step}`] : [`step ${step}`],
  )
  return last === '' && names.join() === expected.join()
    ? []
    : ['metrics.jsonl has other lines than each step and epoch once']
}

function sha256({ weights, optimizer }) {
  const hash = createHash('sha256')
  for (const vector of [weights, ...optimizer.moments]) hash.update(new Uint8Array(vector.buffer, 0, vector.byteLength))
  return hash.digest('hex')
}
