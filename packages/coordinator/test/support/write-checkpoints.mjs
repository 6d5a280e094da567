// `node write-checkpoints.mjs FOLDER`: a process to kill, which does nothing but write a run folder as fast as it can,
// with a checkpoint after each step. It prints `ready` and waits for a line with a number of steps. Then it starts, or
// resumes from what it finds, and prints `saved STEP` for each checkpoint that is on the disk. Without a folder it
// writes nothing and prints `STEP SHA256` for each state of an undisturbed run.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  createFolderClaim,
  createRunFolder,
  findCheckpoint,
  reopenRunFolder,
  runFiles,
  startBackgroundStore,
  systemDisk,
} from '@lockstep/coordinator'
import { checkpointVersion, encodeCheckpoint } from '@lockstep/model'
import { exampleRunConfig } from '@lockstep/protocol/testing'

const elements = 100_000
const stepsPerEpoch = 4
const keep = 3
const facts = { runId: 'written' }

const path = process.argv[2]
const store = startBackgroundStore()
const lines = createInterface({ input: process.stdin })
say('ready')
const steps = Number(await once(lines, 'line'))
lines.close()
if (path === undefined) tellStates(newState())
else await writeOn(await takeUp())

function tellStates(state) {
  for (; state.step <= steps; advance(state)) say(`${state.step} ${sha256(state)}`)
}

/** The folder, and the state from which to continue. */
async function takeUp() {
  await createFolderClaim(path).take()
  if (existsSync(join(path, runFiles.config))) {
    const state = await readState()
    return { state, folder: await reopenRunFolder(path, state, facts, systemDisk, { keep, store }) }
  }
  const state = newState()
  return {
    state,
    folder: await createRunFolder(path, facts, systemDisk, {
      keep,
      start: encodeCheckpoint(checkpointOf(state)),
      store,
    }),
  }
}

async function readState() {
  const { checkpoint, unusable } = await findCheckpoint(path, facts)
  if (unusable.length > 0) throw new Error(`a checkpoint cannot be used: ${unusable[0].reason}`)
  const { step, weights, optimizer, progress } = checkpoint
  return { step, weights, moments: optimizer.moments, epochs: progress.epochs }
}

/** In the order of a run: the step's line, the checkpoint that includes the epoch, the epoch's line. */
async function writeOn({ state, folder }) {
  while (state.step < steps) {
    advance(state)
    await folder.appendStep({ type: 'step', step: state.step })
    const ends = state.step % stepsPerEpoch === 0
    const epoch = { type: 'epoch', epoch: state.step / stepsPerEpoch, step: state.step }
    if (ends) state.epochs.push(epoch)
    await folder.settleMetrics()
    await folder.writeCheckpoint(checkpointOf(state))
    say(`saved ${state.step}`)
    if (ends) await folder.appendEpoch(epoch)
  }
  await folder.settleMetrics()
  say('done')
}

function newState() {
  const vector = () => new Float32Array(elements)
  return { step: 0, weights: vector(), moments: [vector(), vector()], epochs: [] }
}

/** Some arithmetic in which each state depends on all earlier ones. */
function advance(state) {
  state.step += 1
  const { step, weights } = state
  const [first, second] = state.moments
  for (let index = 0; index < elements; index++) {
    const gradient = ((index * 31 + step * 17) % 1000) / 1000 - 0.5 + 0.01 * weights[index]
    first[index] = 0.9 * first[index] + 0.1 * gradient
    second[index] = 0.999 * second[index] + 0.001 * gradient * gradient
    weights[index] -= (0.001 * first[index]) / (Math.sqrt(second[index]) + 1e-7)
  }
}

function checkpointOf({ step, weights, moments, epochs }) {
  return {
    version: checkpointVersion,
    ...{ ...facts, config: exampleRunConfig, dataSha256: '1'.repeat(64), layoutHash: '2'.repeat(64), topology: '{}' },
    ...{ step, position: { epoch: 1, batch: step, lossSum: 0, correct: 0, count: 0 }, progress: { epochs } },
    optimizer: { step, powers: [], moments },
    weights,
  }
}

function sha256({ weights, moments }) {
  const hash = createHash('sha256')
  for (const vector of [weights, ...moments]) hash.update(new Uint8Array(vector.buffer, 0, vector.byteLength))
  return hash.digest('hex')
}

function say(line) {
  process.stdout.write(`${line}\n`)
}
