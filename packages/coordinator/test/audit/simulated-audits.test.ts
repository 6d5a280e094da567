import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AnswerOf, simulateAudits } from '../support/simulated-audits.ts'

const honest: AnswerOf = () => 'right'
const wrongFrom =
  (step: number): AnswerOf =>
  order =>
    order.step < step ? 'right' : 'wrong'
/** Wrong in a different way each time. */
const flaky = (): AnswerOf => {
  let answers = 0
  return () => `wrong ${++answers}`
}

const steps = 12

describe('if every shard is audited', () => {
  test.each([
    ['that is always wrong', wrongFrom(0)],
    ['that becomes wrong', wrongFrom(5)],
    ['that is wrong in a different way each time', flaky()],
    ['whose gradients are not finite', () => 'NaN'],
  ] as const)('a worker %s is excluded, and only right results are accepted', async (_, liar) => {
    const run = simulateAudits({ shards: 4, latencyMs: 1, fraction: 1 })
    const [first, wrong, third] = [run.join(honest), run.join(liar), run.join(honest)]
    await run.train(steps)
    expect([run.failure(), run.excluded, [...run.workers.keys()]]).toEqual([null, [wrong], [first, third]])
    expect([...run.words()]).toEqual(['right'])
    expect(run.counts()).toMatchObject({ step: steps, alone: 0 })
  })

  test('of two workers, the one that contradicts itself is excluded, and the other continues alone', async () => {
    const run = simulateAudits({ shards: 4, latencyMs: 1, fraction: 1 })
    const [first, wrong] = [run.join(honest), run.join(flaky())]
    await run.train(steps)
    expect([run.failure(), run.excluded, [...run.workers.keys()]]).toEqual([null, [wrong], [first]])
    expect([...run.words()]).toEqual(['right'])
  })

  test('two workers of which one is always wrong in the same way end the run at its first wrong step', async () => {
    const run = simulateAudits({ shards: 4, latencyMs: 1, fraction: 1 })
    run.join(honest)
    run.join(wrongFrom(5))
    await run.train(steps)
    expect(run.failure()).toMatchObject({
      code: 'workers-disagree',
      message: expect.stringMatching(/worker 1|worker 2/),
    })
    expect([run.counts().step, [...run.words()]]).toEqual([5, ['right']])
  })

  test('the results of a single worker are accepted without comparison', async () => {
    const run = simulateAudits({ shards: 4, latencyMs: 1, fraction: 1 })
    run.join(honest)
    await run.train(steps)
    expect([run.failure(), run.counts().compared]).toEqual([null, 0])
    expect(run.counts().alone).toBeGreaterThanOrEqual(4 * steps)
  })
})

test('with an audited fraction of a tenth, about a tenth of the shards is compared', async () => {
  const run = simulateAudits({ shards: 4, latencyMs: 1, fraction: 0.1 })
  for (let worker = 0; worker < 3; worker++) run.join(honest)
  await run.train(500)
  // Of 2,000 shards; the standard deviation is 13.4.
  expect(Math.abs(run.counts().compared - 200)).toBeLessThan(4 * 13.4)
})

describe('if workers join and leave at any moment', () => {
  const event = fc.record({
    atStep: fc.integer({ min: 0, max: steps }),
    afterMs: fc.integer({ min: 0, max: 30 }),
    what: fc.constantFrom('leave' as const, 'join' as const, 'join wrong' as const),
    who: fc.nat(9),
  })
  const scenario = fc.record({
    shards: fc.integer({ min: 1, max: 6 }),
    latencyMs: fc.double({ min: 0, max: 10, noNaN: true }),
    fraction: fc.constantFrom(0.05, 0.3, 1),
    paces: fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 3, maxLength: 5 }),
    events: fc.array(event, { maxLength: 25 }),
  })
  type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

  /** Plays the events in the order of their steps, each some time after its step has begun. */
  async function play(
    run: ReturnType<typeof simulateAudits>,
    { paces, events }: Scenario,
    act: (at: Scenario['events'][0]) => void,
  ) {
    for (const pace of paces) run.join(honest, pace)
    for (const next of [...events].sort((a, b) => a.atStep - b.atStep)) {
      await run.train(next.atStep)
      await run.pass(next.afterMs)
      act(next)
    }
    await run.train(steps + 1)
  }

  test('the right gradient of each shard counts once as long as two right workers stay with a wrong one', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async given => {
        const run = simulateAudits({ ...given, fraction: 1 })
        let wrong: number | null = null
        const right = () => [...run.workers.keys()].filter(worker => worker !== wrong)
        await play(run, given, ({ what, who }) => {
          if (what === 'leave' && right().length > 2) run.leave(right()[who % right().length]!)
          else if (what === 'leave' && wrong !== null) run.leave(wrong)
          else if (what === 'join wrong' && (wrong === null || !run.workers.has(wrong))) wrong = run.join(wrongFrom(0))
          else if (what === 'join' && run.workers.size < 7) run.join(honest)
        })
        expect([run.failure(), [...run.words()]]).toEqual([null, ['right']])
        expect(run.excluded.every(worker => !run.workers.has(worker))).toBe(true)
        // At most one vote of each worker on each shard of the step is kept.
        expect(run.counts().mostKept).toBeLessThanOrEqual(8 * given.shards)
      }),
      { numRuns: 150 },
    )
  })

  test('training finishes, or fails because workers disagree', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async given => {
        const run = simulateAudits(given)
        await play(run, given, ({ what, who }) => {
          const ids = [...run.workers.keys()]
          if (what === 'leave' && ids.length > 1) run.leave(ids[who % ids.length]!)
          else if (what === 'join wrong') run.join(who % 2 === 0 ? wrongFrom(who) : flaky())
          else run.join(honest)
          if (run.workers.size > 7) run.leave(ids[who % ids.length]!)
        })
        if (run.failure() === null) expect(run.counts().step).toBeGreaterThan(steps)
        else expect(run.failure()!.code).toBe('workers-disagree')
      }),
      { numRuns: 150 },
    )
  })
})
