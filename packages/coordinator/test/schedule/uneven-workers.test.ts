import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type SimulatedTraining, simulateTraining } from '../support/simulated-training.ts'

/** Mean time of the steps from `from` up to the one before `to`. */
const meanStepMs = ({ ends }: SimulatedTraining, from: number, to: number) =>
  (ends[to - 1]! - ends[from - 1]!) / (to - from)

const steady = (msPerSample: number) => () => msPerSample

describe('two workers', () => {
  // A sample takes 3 times as long on one of them. Together they have 1 + 1/3 of the fast one's speed, so the 4 shards
  // of a step take as long as 3 of them on the fast one.
  test.each([
    ['small', 0.1],
    ['medium', 1],
    ['large', 20],
  ])('of different speeds reach 0.95 of the sum of their speeds with %s shards', (_, msPerSample) => {
    const shardMs = 12 * msPerSample
    const training = simulateTraining({ shards: 4, samples: 12, latencyMs: shardMs / 60 })
    training.join(steady(msPerSample))
    training.join(steady(3 * msPerSample))
    training.train(100)
    expect((3 * shardMs) / meanStepMs(training, 10, 100)).toBeGreaterThan(0.95)
    // Never more than the shards of two steps.
    expect(training.mostHeld()).toBeLessThanOrEqual(8)
  })

  test('share the shards evenly while their speeds are equal, apart from noise', () => {
    const training = simulateTraining({ shards: 4, samples: 12, latencyMs: 0.2 })
    let draw = 0
    // 1 ± 0.2 by a golden-ratio sequence.
    const jittered = () => 0.8 + 0.4 * ((++draw * 0.618) % 1)
    for (let worker = 0; worker < 2; worker++) training.join(jittered)
    training.train(200)
    for (const shards of training.taken.values()) expect(Math.abs(shards - 400)).toBeLessThan(4)
    expect(training.mostHolders()).toBe(1)
  })

  test('adapt when one of them becomes slower, and when it becomes faster again', () => {
    const training = simulateTraining({ shards: 4, samples: 12, latencyMs: 0.2 })
    training.join(steady(1))
    training.join(nowMs => (nowMs > 1000 && nowMs < 4000 ? 3 : 1))
    const throughput = (idealMs: number, from: number, to: number) => idealMs / meanStepMs(training, from, to)
    training.train(160)
    const { ends } = training
    const [slower, faster] = [ends.findIndex(end => end > 1000), ends.findIndex(end => end > 4000)]
    expect(throughput(24, 5, slower - 1)).toBeGreaterThan(0.95)
    expect(throughput(36, slower + 10, faster - 1)).toBeGreaterThan(0.95)
    expect(throughput(24, faster + 10, 160)).toBeGreaterThan(0.95)
  })
})

test('a new worker that is slow at its first shard delays only one step, by about a second', () => {
  const training = simulateTraining({ shards: 2, samples: 12, latencyMs: 0.2 })
  training.join(steady(1))
  training.train(20)
  let shards = 0
  training.join(() => (++shards === 1 ? 1000 : 1))
  training.train(40)
  const { ends } = training
  const stepsMs = ends.slice(20).map((end, index) => end - ends[19 + index]!)
  expect(Math.max(...stepsMs)).toBeLessThan(1000 + 12 + 2 * 20)
  // After that it gets no more shards.
  expect(stepsMs.filter(ms => ms > 100)).toHaveLength(1)
})

describe('a late worker', () => {
  const shardMs = 12

  /** Two workers, the second of which stalls from 500 to 5500 ms. */
  function stall(shards: number): SimulatedTraining {
    const training = simulateTraining({ shards, samples: 12, latencyMs: 0.2 })
    training.join(steady(1))
    training.join(nowMs => (nowMs > 500 && nowMs < 5500 ? (5500 - nowMs) / 12 : 1))
    training.train(600)
    return training
  }

  test.each([2, 4])('hardly delays a step of %i shards', shards => {
    const { ends, mostHolders } = stall(shards)
    const longestMs = Math.max(...ends.slice(1).map((end, index) => end - ends[index]!))
    // The other worker has done its part. After the deviation, the margin and the next check it computes the rest too.
    expect(longestMs).toBeLessThan(shards * shardMs + 5 * 20)
    expect(mostHolders()).toBe(2)
  })

  test('takes its share again when it recovers', () => {
    const training = stall(2)
    const back = training.ends.findIndex(end => end > 7000)
    // The two shards of a step are computed at the same time, one on each worker.
    expect(back).toBeGreaterThan(0)
    expect(shardMs / meanStepMs(training, back, 600)).toBeGreaterThan(0.9)
  })

  test('is tried again after it was too slow to get any shard', () => {
    const training = simulateTraining({ shards: 2, samples: 12, latencyMs: 0.2 })
    training.join(steady(1))
    training.join(nowMs => (nowMs < 2000 ? 10 : 1))
    training.train(600)
    const { ends } = training
    const [alone, again] = [ends.findIndex(end => end > 1000), ends.findIndex(end => end > 6000)]
    expect((2 * shardMs) / meanStepMs(training, alone - 10, alone)).toBeGreaterThan(0.9)
    expect(shardMs / meanStepMs(training, again, 600)).toBeGreaterThan(0.9)
  })

  test('is not considered late before its pace is known', () => {
    const training = simulateTraining({ shards: 2, samples: 12, latencyMs: 0.2 })
    training.join(steady(1))
    // The first graph takes two seconds.
    training.join(nowMs => (nowMs < 1000 ? 2000 / 12 : 1))
    training.train(3)
    expect(training.mostHolders()).toBe(1)
    expect(training.taken.get(2)).toBe(3)
  })
})

describe('for any speeds, stalls, joins and losses', () => {
  const pace = fc.record({
    msPerSample: fc.double({ min: 0.05, max: 20, noNaN: true }),
    changed: fc.double({ min: 0.05, max: 20, noNaN: true }),
    changeAtMs: fc.integer({ min: 0, max: 3000 }),
    stallMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000 })),
  })

  test('every shard is completed once, no step waits forever, and at most two workers compute the same shard', () => {
    fc.assert(
      fc.property(
        fc.array(pace, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 0, max: 30, noNaN: true }),
        fc.boolean(),
        (paces, shards, latencyMs, loses) => {
          const training = simulateTraining({ shards, samples: 3, latencyMs })
          const join = ({ msPerSample, changed, changeAtMs, stallMs }: (typeof paces)[number]) => {
            let stalls = stallMs / 3
            training.join(nowMs => {
              if (nowMs < changeAtMs) return msPerSample
              const now = changed + stalls
              stalls = 0
              return now
            })
          }
          paces.forEach(join)
          training.train(20)
          join(paces[0]!)
          if (loses) training.leave(1)
          training.train(20)
          const sum = [...training.taken.values()].reduce((all, count) => all + count, 0)
          expect(sum).toBe(40 * shards)
          expect(training.mostHolders()).toBeLessThanOrEqual(2)
          expect(training.mostHeld()).toBeLessThanOrEqual(2 * shards)
        },
      ),
      { numRuns: 150 },
    )
  })
})
