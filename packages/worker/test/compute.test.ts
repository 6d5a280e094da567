import {
  buildModel,
  createLayout,
  createOptimizer,
  type ParameterLayout,
  readWeights,
  toTopology,
  usePlainJavaScript,
  weightsSha256,
} from '@lockstep/model'
import type { MessageOf, Received } from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import type { Provisioned } from '@lockstep/tensorflow'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Compute, startCompute } from '../src/compute.ts'
import type { Answer } from '../src/replica.ts'
import { config, runId, topology, welcome } from './support/configuration.ts'
import { listenForLanes } from './support/lane-listener.ts'
import { createSlotFiles } from './support/slot-files.ts'
import { provisionForTests } from './support/tensorflow.ts'

let provisioned: Provisioned
let weights: Float32Array
let layout: ParameterLayout

beforeAll(async () => {
  provisioned = await provisionForTests()
  await usePlainJavaScript()
  const model = buildModel('reference', { classes: 10, seed: config.seed })
  layout = createLayout(model)
  weights = readWeights(model, layout)
})

async function start(): Promise<Compute> {
  const compute = await startCompute({ config, topology, provisioned })
  compute.failed.catch(() => undefined)
  onTestFinished(compute.stop)
  return compute
}

async function beginSession(compute: Compute) {
  const answers = createHappenings<Answer>()
  const sharesMemory = await compute.beginSession(welcome, answers.add)
  expect(sharesMemory).toBe(false)
  return answers
}

const state = (): Received => ({
  message: { type: 'state', runId, step: 0, powers: [1, 1] },
  tensors: { weights: weights.slice(), moments: new Float32Array(2 * weights.length) },
})

/** Samples of pseudo-random pixels. */
function samples(count: number) {
  const pixels = Uint8Array.from({ length: count * 3072 }, (_, index) => (index * 2_654_435_761) >>> 24)
  return { pixels, labels: Uint8Array.from({ length: count }, (_, sample) => sample % 10) }
}

const work = (step: number, shard: number, count = 4): Received => ({
  message: { type: 'work', runId, step, shard, count, slot: null },
  tensors: { ...samples(count), keys: new Int32Array(count) },
})
const evaluate = (step: number): Received => ({
  message: { type: 'evaluate', runId, step, chunk: 0, count: 4, slot: null },
  tensors: samples(4),
})

describe('a computing thread', () => {
  test('builds the model of the run on TensorFlow', async () => {
    const compute = await start()
    expect(compute.layoutHash).toBe(layout.hash)
    expect(compute.backend).toMatch(/^(TensorFlow \d|WebAssembly)/)
  })

  test('builds the model that it receives, whatever the run calls it', async () => {
    const resnet = buildModel('resnet20', { classes: 10, seed: 1 })
    const setup = { config: { ...config, model: '/not/here.ts' }, topology: toTopology(resnet), provisioned }
    const compute = await startCompute(setup)
    compute.failed.catch(() => undefined)
    onTestFinished(compute.stop)
    expect(compute.layoutHash).toBe(createLayout(resnet).hash)
  })

  test('keeps a replica whose weights are bit-identical to those of the run', async () => {
    const compute = await start()
    const answers = await beginSession(compute)
    compute.give(state())
    compute.give(work(0, 2))
    const { message, tensors } = await answers.next()
    expect(message).toMatchObject({ type: 'gradient', step: 0, shard: 2, count: 4 })
    // An untrained net of ten classes only guesses: a loss of about ln 10 per sample.
    expect(message.lossSum / 4).toBeCloseTo(Math.log(10), 0)
    const gradient = tensors.gradient as Float32Array
    const expected = weights.slice()
    const optimizer = createOptimizer(config, layout)
    optimizer.apply(expected, gradient, optimizer.initialState(weights.length), 0.001)
    compute.give({
      message: { type: 'update', runId, step: 0, learningRate: 0.001, slot: null },
      tensors: { gradient: gradient.slice() },
    })
    compute.give(evaluate(1))
    const metrics = (await answers.next()).message as MessageOf<'metrics'>
    expect(metrics).toMatchObject({ type: 'metrics', step: 1, weightsSha256: weightsSha256(expected) })
    expect(compute.progress()).toMatchObject({ step: 1, pending: 0 })
  })

  test('takes over the memory of tensors instead of a copy', async () => {
    const compute = await start()
    const answers = await beginSession(compute)
    compute.give(state())
    const received = work(0, 0)
    compute.give(received)
    expect(received.tensors.pixels!.byteLength).toBe(0)
    await answers.next()
  })

  test('reports work as pending until it can compute it', async () => {
    const compute = await start()
    await beginSession(compute)
    compute.give(work(0, 0))
    await expect.poll(() => compute.progress()).toMatchObject({ step: 0, pending: 1 })
    // A new state drops what was waiting.
    compute.give(state())
    await expect.poll(() => compute.progress().pending).toBe(0)
  })

  test('does not report work that was sent ahead as pending', async () => {
    const compute = await start()
    const answers = await beginSession(compute)
    compute.give(state())
    compute.give(work(1, 0))
    compute.give(work(0, 0))
    const { tensors } = await answers.next()
    expect(compute.progress()).toMatchObject({ step: 0, pending: 0 })
    compute.give({
      message: { type: 'update', runId, step: 0, learningRate: 0.001, slot: null },
      tensors: { gradient: tensors.gradient!.slice() },
    })
    await answers.next()
    expect(compute.progress()).toMatchObject({ step: 1, pending: 0 })
  })

  test('computes bit-identical gradients each time, and gives each session only its own answers', async () => {
    const compute = await start()
    const first = await beginSession(compute)
    compute.give(state())
    compute.give(work(0, 1))
    const before = await first.next()
    compute.give(work(0, 8))
    compute.give(work(3, 9))
    const second = await beginSession(compute)
    expect(compute.progress()).toMatchObject({ step: 0, pending: 0 })
    compute.give(state())
    compute.give(work(0, 1))
    const after = await second.next()
    expect(after.message).toEqual({ ...before.message, times: expect.any(Array) })
    const [sha256, sha256Before] = [after, before].map(({ tensors }) => weightsSha256(tensors.gradient as Float32Array))
    expect(sha256).toBe(sha256Before)
    expect([first.all.length, second.all.length]).toEqual([1, 1])
  })
})

describe('a computing thread with a lane', () => {
  /** A session whose thread has a lane, and the coordinator's end of the lane. */
  async function beginByLane(compute: Compute) {
    const { name, callers } = await listenForLanes()
    const { offer } = createSlotFiles(4096)
    const answers = createHappenings<Answer>()
    const begun = compute.beginSession({ ...welcome, sharedMemory: { ...offer, lane: name } }, answers.add)
    const lane = await (await callers.next()).answer()
    expect(await begun).toBe(true)
    const say = ({ message, tensors }: Received) => lane.connection.send(message, tensors)
    return { lane, say, answers }
  }

  test('receives messages and answers on it', async () => {
    const compute = await start()
    const { lane, say, answers } = await beginByLane(compute)
    for (const received of [state(), work(0, 2), work(1, 0)]) say(received)
    const { message, tensors } = await lane.received.next()
    expect(message).toMatchObject({ type: 'gradient', step: 0, shard: 2, count: 4 })
    expect(tensors.gradient).toHaveLength(weights.length)
    expect(compute.progress()).toMatchObject({ step: 0, pending: 0 })
    say(evaluate(0))
    expect((await lane.received.next()).message).toMatchObject({ type: 'metrics', step: 0, chunk: 0 })
    expect(answers.all).toEqual([])
  })

  test('computes the same gradient on it as through the connected thread', async () => {
    const compute = await start()
    const answers = await beginSession(compute)
    for (const received of [state(), work(0, 2)]) compute.give(received)
    const through = (await answers.next()).tensors.gradient as Float32Array
    const { lane, say } = await beginByLane(compute)
    for (const received of [state(), work(0, 2)]) say(received)
    const past = (await lane.received.next()).tensors.gradient as Float32Array
    expect(weightsSha256(past)).toBe(weightsSha256(through))
  })

  test('closes it when another session begins, which has its own lane', async () => {
    const compute = await start()
    const first = await beginByLane(compute)
    const second = await beginByLane(compute)
    await first.lane.closed.next()
    for (const received of [state(), work(0, 2)]) second.say(received)
    expect((await second.lane.received.next()).message).toMatchObject({ type: 'gradient', shard: 2 })
  })

  test('closes it when the thread ends', async () => {
    const compute = await start()
    const { lane } = await beginByLane(compute)
    await compute.stop()
    await lane.closed.next()
  })
})

describe('a computation', () => {
  test('fails when TensorFlow does not load, and says what to do', async () => {
    const lost: Provisioned = {
      backend: 'tensorflow',
      libraryFolder: '/nowhere',
      bindingFile: '/nowhere/binding.node',
      version: '2.21.0',
    }
    await expect(startCompute({ config, topology, provisioned: lost })).rejects.toMatchObject({
      name: 'LockstepError',
      code: 'compute-failed',
      message: 'the computation failed: TensorFlow does not load from /nowhere',
      hint: expect.stringContaining('doctor'),
    })
  })

  test('fails when the model cannot be built', async () => {
    await expect(startCompute({ config, topology: '{}', provisioned })).rejects.toMatchObject({
      code: 'compute-failed',
      message: 'the computation failed: the model cannot be built from its description',
    })
  })

  test('fails when a shard cannot be computed', async () => {
    const compute = await start()
    await beginSession(compute)
    compute.give(state())
    const { message, tensors } = work(0, 0)
    compute.give({ message, tensors: { ...tensors, labels: tensors.labels!.fill(10) } })
    await expect(compute.failed).rejects.toMatchObject({
      code: 'compute-failed',
      message: expect.stringMatching(/^the computation failed: .*label/),
    })
  })

  test('fails when the thread ends', async () => {
    const compute = await start()
    await compute.stop()
    await expect(compute.failed).rejects.toMatchObject({ message: expect.stringContaining('ended with code 1') })
  })
})
