import { createOptimizer, type GradientEngine, weightsSha256 } from '@lockstep/model'
import { createGradientFormat, plainArithmetic } from '@lockstep/model/arithmetic'
import { createTimeline, type Message, type Received, type Sizes, type Tensors, workerPhases } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { type Answer, createReplica } from '../src/replica.ts'
import { createTensorPlaces } from '../src/tensor-places.ts'

const sgd = (momentum = 0) =>
  createOptimizer({ optimizer: 'sgd', momentum, weightDecay: 0 }, { entries: [], trainableSize: 2 })

/**
 * An engine whose gradient is the weights plus the first pixel plus the first key, and whose loss sum is the first
 * weight. With `slow` it answers later.
 */
function createEngine(slow = false): GradientEngine {
  const later = <T>(value: T) => (slow ? new Promise<T>(resolve => setImmediate(() => resolve(value))) : value)
  const figures = (weights: Float32Array, labels: Uint8Array) => ({
    lossSum: weights[0]!,
    correct: 1,
    count: labels.length,
  })
  return {
    name: 'test',
    gradient: (weights, pixels, labels, keys) =>
      later({ ...figures(weights, labels), gradient: weights.map(weight => weight + pixels[0]! + keys[0]!) }),
    evaluate: (weights, _, labels) =>
      later({ ...figures(weights, labels), predictions: new Uint8Array(labels.length) }),
    dispose: () => undefined,
  }
}

const sizes: Sizes = { weights: 2, trainable: 2, moments: 1, bytesPerSample: 1, maxSamples: 1, gradientType: 'float32' }
const uncompressed = createGradientFormat({ compress: 'none', seed: 1 }, plainArithmetic, 2)

/** A replica whose clock only the test moves and, with `gradientMs`, each gradient. */
function createTested({ slow = false, trainableSize = 2, gradientMs = 0, arithmetic = plainArithmetic } = {}) {
  const answers: Answer[] = []
  const steps: number[] = []
  const clock = { nowMs: 0 }
  const engine = createEngine(slow)
  const spend = <T>(ms: number, result: T) => {
    clock.nowMs += ms
    return result
  }
  const replica = createReplica({
    engine: { ...engine, gradient: (...inputs) => spend(gradientMs, engine.gradient(...inputs)) },
    updater: { optimizer: sgd(), trainableSize },
    arithmetic,
    places: createTensorPlaces(sizes, null, uncompressed),
    timeline: createTimeline(workerPhases, () => clock.nowMs),
    answer: answer => answers.push(answer),
    onStep: step => steps.push(step),
  })
  const shards = () => answers.map(({ message }) => ('shard' in message ? message.shard : message.chunk))
  return { ...replica, answers, steps, shards, clock }
}

const runId = 'r'
const received = (message: Message, tensors: Tensors = {}): Received => ({ message, tensors })
const state = (step: number, ...weights: number[]) =>
  received(
    { type: 'state', runId, step, powers: [] },
    { weights: Float32Array.from(weights), moments: new Float32Array(0) },
  )
const update = (step: number, ...gradient: number[]) =>
  received({ type: 'update', runId, step, learningRate: 0.5, slot: null }, { gradient: Float32Array.from(gradient) })
const samples = { pixels: Uint8Array.of(10), labels: Uint8Array.of(0) }
const work = (step: number, shard: number, key = 0) =>
  received({ type: 'work', runId, step, shard, count: 1, slot: null }, { ...samples, keys: Int32Array.of(key) })
const evaluate = (step: number, chunk: number) =>
  received({ type: 'evaluate', runId, step, chunk, count: 1, slot: null }, samples)

describe('a replica', () => {
  test('computes the gradient of a shard with the weights of its step', async () => {
    const { receive, answers } = createTested()
    await receive(state(3, 1, 2))
    await receive(work(3, 7, 100))
    expect(answers).toEqual([
      {
        message: {
          type: 'gradient',
          runId,
          step: 3,
          shard: 7,
          count: 1,
          lossSum: 1,
          correct: 1,
          slot: null,
          times: expect.any(Array),
        },
        // (1, 2) + 10 + 100
        tensors: { gradient: Float32Array.of(111, 112) },
      },
    ])
  })

  test('evaluates a chunk and reports the hash of its weights', async () => {
    const { receive, answers } = createTested()
    await receive(state(3, 1, 2))
    await receive(evaluate(3, 4))
    const sha256 = weightsSha256(Float32Array.of(1, 2))
    const figures = { runId, step: 3, chunk: 4, count: 1, lossSum: 1, correct: 1, weightsSha256: sha256 }
    expect(answers).toEqual([{ message: { type: 'metrics', ...figures }, tensors: {} }])
  })

  test('reports a new hash after a step and after a new state', async () => {
    const { receive, answers } = createTested()
    await receive(state(3, 1, 2))
    await receive(evaluate(3, 0))
    // 1 − 0.5 · 2 and 2 − 0.5 · 0.
    await receive(update(3, 2, 0))
    await receive(evaluate(4, 1))
    await receive(state(4, 5, 6))
    await receive(evaluate(4, 2))
    const hashes = answers.map(({ message }) => ('weightsSha256' in message ? message.weightsSha256 : null))
    expect(hashes).toEqual(
      [
        [1, 2],
        [0, 2],
        [5, 6],
      ].map(weights => weightsSha256(Float32Array.from(weights))),
    )
  })

  test('keeps its memory when it gets another state', async () => {
    const adopted: Float32Array[] = []
    const adopt = (vector: Float32Array) => {
      adopted.push(vector)
      return plainArithmetic.adopt(vector)
    }
    const { receive, answers } = createTested({ arithmetic: { ...plainArithmetic, adopt } })
    await receive(state(0, 1, 2))
    await receive(state(3, 5, 6))
    await receive(evaluate(3, 4))
    // The weights; there are no moments.
    expect(adopted).toHaveLength(1)
    expect(answers[0]!.message).toMatchObject({ step: 3, weightsSha256: weightsSha256(Float32Array.of(5, 6)) })
  })

  test('takes each step as the optimizer does, and reports the step that it has reached', async () => {
    const { receive, answers, steps } = createTested()
    await receive(state(0, 1, 2))
    await receive(update(0, 2, 4))
    await receive(evaluate(1, 0))
    // w − 0.5 · g = (1 − 1, 2 − 2)
    expect(answers[0]!.message).toMatchObject({ step: 1, weightsSha256: weightsSha256(Float32Array.of(0, 0)) })
    expect(steps).toEqual([0, 1])
  })

  test('adds the change of weights that are not trainable', async () => {
    const { receive, answers } = createTested({ trainableSize: 1 })
    await receive(state(0, 1, 2))
    await receive(update(0, 2, 4))
    await receive(evaluate(1, 0))
    // (1 − 0.5 · 2, 2 + 4)
    expect(answers[0]!.message).toMatchObject({ weightsSha256: weightsSha256(Float32Array.of(0, 6)) })
  })

  test('splits the moments for the optimizer', async () => {
    const answers: Answer[] = []
    const replica = createReplica({
      engine: createEngine(),
      updater: { optimizer: sgd(0.5), trainableSize: 2 },
      arithmetic: plainArithmetic,
      places: createTensorPlaces(sizes, null, uncompressed),
      timeline: createTimeline(workerPhases, () => 0),
      answer: answer => answers.push(answer),
      onStep: () => undefined,
    })
    const tensors = { weights: Float32Array.of(1, 2), moments: Float32Array.of(4, 8) }
    await replica.receive(received({ type: 'state', runId, step: 5, powers: [] }, tensors))
    await replica.receive(update(5, 2, 2))
    await replica.receive(evaluate(6, 0))
    // m = 0.5 · (4, 8) − 0.5 · (2, 2) = (1, 3); w = (1, 2) + m = (2, 5)
    expect(answers[0]!.message).toMatchObject({ weightsSha256: weightsSha256(Float32Array.of(2, 5)) })
  })
})

describe('the times of a gradient', () => {
  const number = (phase: (typeof workerPhases)[number]) => workerPhases.indexOf(phase)
  /** The times without phases that took none. */
  const spent = ({ message }: Answer) => {
    const times = message.type === 'gradient' ? message.times : []
    const pairs = Array.from({ length: (times.length - 1) / 2 }, (_, at) => [times[2 * at + 1]!, times[2 * at + 2]!])
    return [times[0], ...pairs.filter(([, ms]) => ms! > 0)]
  }

  test('cover the time since the last gradient', async () => {
    const { receive, clock, answers } = createTested({ gradientMs: 7 })
    await receive(state(0, 1, 2))
    clock.nowMs = 5
    await receive(work(0, 1))
    clock.nowMs += 3
    await receive(work(0, 2))
    const [wait, compute] = [number('wait'), number('compute')]
    expect(answers.map(spent)).toEqual([
      [0, [wait, 5], [compute, 7]],
      [12, [wait, 3], [compute, 7]],
    ])
  })

  test('leave out evaluations and the time before them', async () => {
    const { receive, clock, answers } = createTested({ gradientMs: 7 })
    await receive(state(0, 1, 2))
    clock.nowMs = 500
    await receive(evaluate(0, 0))
    clock.nowMs += 3
    await receive(work(0, 1))
    expect(spent(answers[1]!)).toEqual([500, [number('wait'), 3], [number('compute'), 7]])
  })
})

describe('work', () => {
  test('for a later step waits for the update that leads to it', async () => {
    const { receive, shards } = createTested()
    await receive(state(0, 1))
    await receive(work(1, 5))
    await receive(work(2, 6))
    await receive(work(0, 4))
    expect(shards()).toEqual([4])
    await receive(update(0, 1))
    expect(shards()).toEqual([4, 5])
    await receive(update(1, 1))
    expect(shards()).toEqual([4, 5, 6])
  })

  test('for an earlier step is dropped', async () => {
    const { receive, answers } = createTested()
    await receive(state(5, 1))
    await receive(work(4, 0))
    await receive(update(5, 1))
    expect(answers).toEqual([])
  })

  test('that is waiting is dropped by a new state and by a discard', async () => {
    const { receive, discard, answers } = createTested()
    await receive(state(0, 1))
    await receive(work(1, 0))
    await receive(state(1, 1))
    await receive(work(2, 0))
    await discard()
    await receive(update(1, 1))
    expect(answers).toEqual([])
  })

  test('without a state is not computed', async () => {
    const { receive, answers } = createTested()
    await receive(work(0, 0))
    expect(answers).toEqual([])
  })

  test('is dropped by a discard, which waits for the shard that is being computed', async () => {
    const { receive, discard, shards } = createTested({ slow: true })
    await receive(state(0, 1))
    const all = [receive(work(0, 1)), receive(work(0, 2)), receive(work(0, 3))]
    await discard()
    expect(shards()).toEqual([1])
    await Promise.all(all)
    expect(shards()).toEqual([1])
  })

  test('is computed one after the other, in the order of arrival, with a slow engine', async () => {
    const { receive, shards } = createTested({ slow: true })
    await receive(state(0, 1))
    await Promise.all([receive(work(0, 1)), receive(work(0, 2)), receive(work(0, 3))])
    expect(shards()).toEqual([1, 2, 3])
  })
})

describe('an update', () => {
  test('that arrives while a shard is computed is applied afterwards, before the work that waits for it', async () => {
    const { receive, answers, steps } = createTested({ slow: true })
    await receive(state(0, 1, 2))
    const all = [receive(work(0, 1)), receive(update(0, 2, 4)), receive(work(0, 2)), receive(evaluate(1, 7))]
    await Promise.all(all)
    // The first shard is computed with the weights before the update. The second one arrives after it, too late.
    expect(answers[0]).toMatchObject({
      message: { shard: 1, lossSum: 1 },
      tensors: { gradient: Float32Array.of(11, 12) },
    })
    // w − 0.5 · g = (1 − 1, 2 − 2)
    const sha256 = weightsSha256(Float32Array.of(0, 0))
    expect(answers.slice(1).map(({ message }) => message)).toMatchObject([{ chunk: 7, weightsSha256: sha256 }])
    expect(steps).toEqual([0])
  })

  test('of an earlier step changes nothing', async () => {
    const { receive, answers, steps } = createTested()
    await receive(state(2, 1))
    await receive(update(1, 100))
    await receive(evaluate(2, 0))
    expect(answers[0]!.message).toMatchObject({ weightsSha256: weightsSha256(Float32Array.of(1)) })
    expect(steps).toEqual([2])
  })

  test('of a step that the replica has not reached is an error', async () => {
    const { receive } = createTested()
    await receive(state(2, 1))
    await expect(receive(update(3, 1))).rejects.toThrow('an update of step 3 for a replica at step 2')
  })
})
