import { weightsSha256 } from '@lockstep/model'
import { describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import type { RunPlan } from '../../src/plan.ts'
import { epochBatches } from '../../src/training/batches.ts'
import { createTinyEngine, type TinyEngine } from '../support/tiny-engine.ts'
import { tinyPlan } from '../support/tiny-plan.ts'
import { trainAlone } from '../support/train-alone.ts'
import { type TinyRun, trainTiny } from '../support/train-tiny.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)

/** Flips a bit of one element in every gradient from the k-th on, counted from 0. */
function flipsFrom(k: number): TinyEngine {
  const engine = createTinyEngine()
  let computed = 0
  return {
    ...engine,
    gradient: (...shard) => {
      const result = engine.gradient(...shard)
      const bits = new Int32Array(result.gradient.buffer)
      if (computed++ >= k) bits[5] = bits[5]! ^ (1 << 20)
      return result
    },
  }
}

/** Flips a bit in every gradient from the first shard on for which `begins` is true. */
function flipsFromShard(plan: RunPlan, begins: (step: number, shard: number) => boolean): TinyEngine {
  const { config, train } = plan
  // By the key of the first sample of the shard, which differs from epoch to epoch.
  const shards = new Map<number, readonly [step: number, shard: number]>()
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const { batches, shards: cut } = epochBatches(train, config, epoch)
    for (let batch = 0; batch < batches; batch++) {
      for (const { shard, read } of cut(batch)) shards.set(read().keys[0]!, [(epoch - 1) * batches + batch, shard])
    }
  }
  const [right, wrong] = [createTinyEngine(), flipsFrom(0)]
  let hasBegun = false
  return {
    ...right,
    gradient: (...given) => {
      hasBegun ||= begins(...shards.get(given[3][0]!)!)
      return (hasBegun ? wrong : right).gradient(...given)
    },
  }
}

/** Every gradient is right, and every loss is NaN. */
function losesCount(): TinyEngine {
  const engine = createTinyEngine()
  return { ...engine, gradient: (...shard) => ({ ...engine.gradient(...shard), lossSum: Number.NaN }) }
}

/** Every gradient has an element that is NaN. */
function poisons(): TinyEngine {
  const engine = createTinyEngine()
  return {
    ...engine,
    gradient: (...shard) => {
      const result = engine.gradient(...shard)
      result.gradient[7] = Number.NaN
      return result
    },
  }
}

const only = (wrong: number, engine: TinyEngine) => (worker: number) => (worker === wrong ? engine : undefined)
const lost = ({ events }: TinyRun) => events.filter(event => event.type === 'worker-lost')
const samplesOf = ({ members }: TinyRun) => members.reduce((sum, { samples }) => sum + samples, 0)

describe('audits change no bit of the weights', () => {
  test.each([0.2, 1])('with an audited fraction of %d, for any number of workers', async audit => {
    for (const workers of [1, 2, 3, 5]) {
      const run = await trainTiny({ workers, audit })
      expect([run.status, weightsSha256(run.plan.state.weights)]).toEqual(['completed', finalSha256])
      expect(lost(run)).toEqual([])
      // Two epochs of 33 samples: a shard that was computed twice counts once.
      expect(samplesOf(run)).toBe(66)
      // In each of two epochs, 4 shards in 3 steps, and 3 in the last step.
      if (audit === 1)
        expect(run.audits).toEqual(workers === 1 ? { compared: 0, alone: 30 } : { compared: 30, alone: 0 })
    }
  })

  test('with compressed gradients', async () => {
    const compressed = { compress: 'bfloat16' } as const
    const { plan, audits } = await trainTiny({ workers: 3, audit: 1, plan: tinyPlan(compressed) })
    expect(weightsSha256(plan.state.weights)).toBe(weightsSha256(trainAlone(tinyPlan(compressed)).at(-1)!))
    expect(audits.compared).toBe(30)
  })

  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'when workers join and die at any moment (seed %i)',
    async seed => {
      const run = await trainTiny({
        workers: 3,
        audit: 1,
        seed,
        disturb: (pool, random) => {
          const chance = random.below(12)
          if (chance === 0 && pool.size() > 0) pool.kill()
          if (pool.size() === 0 || (chance === 1 && pool.size() < 5)) pool.add()
        },
      })
      expect(lost(run).length).toBeGreaterThan(0)
      expect([weightsSha256(run.plan.state.weights), samplesOf(run)]).toEqual([finalSha256, 66])
    },
  )
})

test('a run with one worker reports once that nothing is compared', async () => {
  const { events } = await trainTiny({ workers: 1, audit: 1 })
  expect(events.filter(event => event.type === 'unaudited')).toEqual([{ type: 'unaudited', step: 1 }])
})

describe('a worker that flips a bit', () => {
  test.each([0, 4, 11])('from its gradient %i on is excluded for that gradient if every shard is audited', async k => {
    const plan = tinyPlan()
    let computed = 0
    let first = ''
    const engine = only(
      2,
      flipsFromShard(plan, (step, shard) => {
        first = `shard ${shard} of step ${step + 1}`
        return computed++ >= k
      }),
    )
    const run = await trainTiny({ workers: 3, plan, audit: 1, engine })
    expect(weightsSha256(plan.state.weights)).toBe(finalSha256)
    const reason = `excluded: its result for the gradient of ${first} differs from what two others computed`
    expect(lost(run)).toMatchObject([{ worker: { name: 'fake-2' }, reason, active: 2 }])
    expect(samplesOf(run)).toBe(66)
  })

  test.each([1, 2, 3, 4, 5, 6])(
    'from an audited shard on is excluded before any of its wrong shards counts, audited or not (seed %i)',
    async seed => {
      const plan = tinyPlan({ epochs: 4 })
      const { isDrawn } = createAudit(0.25, plan.config.seed, { type: 'float32' }, 0)
      const engine = only(2, flipsFromShard(plan, isDrawn))
      const run = await trainTiny({ workers: 3, seed, plan, audit: 0.25, engine })
      expect(lost(run)).toMatchObject([{ worker: { name: 'fake-2' } }])
      expect(weightsSha256(plan.state.weights)).toBe(weightsSha256(trainAlone(tinyPlan({ epochs: 4 })).at(-1)!))
      expect(samplesOf(run)).toBe(4 * 33)
    },
  )

  test('goes undetected if nothing is audited', async () => {
    const run = await trainTiny({ workers: 3, engine: only(2, flipsFrom(0)) })
    expect([run.status, lost(run)]).toEqual(['completed', []])
    expect(weightsSha256(run.plan.state.weights)).not.toBe(finalSha256)
  })

  test('is excluded in a long run with few audits', async () => {
    // 100 epochs of 15 shards, of which worker 2 computes about a third: 0.95^500 is 1 in 10^11.
    const run = await trainTiny({
      workers: 3,
      audit: 0.05,
      plan: tinyPlan({ epochs: 100, learningRate: 1e-6 }),
      engine: only(2, flipsFrom(0)),
    })
    expect(lost(run)).toMatchObject([{ worker: { name: 'fake-2' } }])
  })

  test('and is one of only two ends the run before that step, with an error that names both', async () => {
    const plan = tinyPlan()
    const running = trainTiny({ workers: 2, audit: 1, plan, engine: only(2, flipsFrom(4)) })
    await expect(running).rejects.toMatchObject({
      code: 'workers-disagree',
      message: expect.stringMatching(
        /worker \d \(fake-\d on here\) and worker \d \(fake-\d on here\) get different results/,
      ),
      hint: expect.stringContaining('--resume'),
    })
    const { step, weights } = plan.state
    expect(step).toBeLessThan(8)
    if (step > 0) expect(weights).toEqual(trainAlone()[step - 1])
  })

  test('in every other gradient is excluded for contradicting itself, even as one of only two', async () => {
    let turn = 0
    const [engine, wrong] = [createTinyEngine(), flipsFrom(0)]
    const flaky: TinyEngine = {
      ...engine,
      gradient: (...shard) => (turn++ % 2 === 0 ? wrong : engine).gradient(...shard),
    }
    const run = await trainTiny({ workers: 2, audit: 1, engine: only(2, flaky) })
    expect(weightsSha256(run.plan.state.weights)).toBe(finalSha256)
    expect(lost(run)).toMatchObject([
      { worker: { name: 'fake-2' }, reason: expect.stringContaining('twice, with different') },
    ])
  })
})

describe('a worker whose results are not finite', () => {
  test.each([
    [0, 'gradient', poisons],
    [1, 'gradient', poisons],
    [0, 'loss', losesCount],
    [1, 'loss', losesCount],
  ])('is excluded, and other workers compute its shards (audited: %d, not finite: %s)', async (audit, _, create) => {
    const run = await trainTiny({ workers: 3, audit, engine: only(2, create()) })
    expect([run.status, weightsSha256(run.plan.state.weights)]).toEqual(['completed', finalSha256])
    const refused = run.events.filter(event => event.type === 'answer-refused')
    expect(refused[0]).toMatchObject({
      worker: { name: 'fake-2' },
      reason: expect.stringMatching(/^the gradient of shard \d of step 1 is not finite$/),
    })
    const wrong = run.members.find(({ facts }) => facts!.name === 'fake-2')
    expect(wrong).toMatchObject({ samples: 0, shards: 0, gone: true, refused: refused.length })
    expect(wrong!.outcome).toMatch(/^excluded: /)
    expect(samplesOf(run)).toBe(66)
  })

  test('only once is not excluded', async () => {
    let turn = 0
    const [engine, wrong] = [createTinyEngine(), poisons()]
    const once: TinyEngine = { ...engine, gradient: (...shard) => (turn++ === 2 ? wrong : engine).gradient(...shard) }
    const run = await trainTiny({ workers: 2, engine: only(1, once) })
    const refused = run.members.filter(member => member.refused > 0).map(({ facts }) => facts!.name)
    expect([lost(run), refused]).toEqual([[], ['fake-1']])
    expect(weightsSha256(run.plan.state.weights)).toBe(finalSha256)
  })

  test('only once is asked again if it is the only worker', async () => {
    let turn = 0
    const [engine, wrong] = [createTinyEngine(), poisons()]
    const once: TinyEngine = { ...engine, gradient: (...shard) => (turn++ === 2 ? wrong : engine).gradient(...shard) }
    const run = await trainTiny({ workers: 1, engine: once })
    expect([weightsSha256(run.plan.state.weights), samplesOf(run)]).toEqual([finalSha256, 66])
  })
})
