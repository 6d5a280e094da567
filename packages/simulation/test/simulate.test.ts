import { describe, expect, test } from 'vitest'
import { describeFault, faultKinds } from '../src/faults/fault.ts'
import { drawScenario } from '../src/scenario.ts'
import { simulate, simulateSeed } from '../src/simulate.ts'

const seedsInAPart = 100

describe('whatever fails, each sample counts once and the weights are those of the undisturbed run', () => {
  test.each([0, 1, 2, 3, 4, 5])('in 100 schedules (part %i)', async part => {
    const failures: string[] = []
    for (let seed = part * seedsInAPart + 1; seed <= (part + 1) * seedsInAPart; seed++) {
      const { violation, inflicted } = await simulateSeed(seed)
      if (violation !== null) failures.push(`seed ${seed}: ${violation}\n${inflicted.map(describeFault).join('\n')}`)
    }
    expect(failures).toEqual([])
  })
})

test('a seed gives exactly the same run again', async () => {
  const seeds = [3, 30, 34, 300]
  expect(new Set(seeds.map(seed => drawScenario(seed).topology))).toEqual(new Set(['star', 'direct', 'auto']))
  for (const seed of seeds) {
    const [first, again] = [await simulateSeed(seed), await simulateSeed(seed)]
    expect(again).toEqual(first)
    expect(first.events).toBeGreaterThan(100)
  }
})

test('a run without faults ends within half a second of simulated time', async () => {
  const { violation, inflicted, simulatedMs } = await simulate({ ...drawScenario(11), faults: [] })
  expect({ violation, inflicted }).toEqual({ violation: null, inflicted: [] })
  expect(simulatedMs).toBeLessThan(500)
})

test('every kind of fault happens, and most runs with the direct topology have groups', async () => {
  const happened = new Set<string>()
  const linked = { star: [0, 0], direct: [0, 0], auto: [0, 0] }
  for (let seed = 1; seed <= 120; seed++) {
    const { scenario, inflicted, groups } = await simulateSeed(seed)
    for (const { kind } of inflicted) happened.add(kind)
    linked[scenario.topology][groups > 0 ? 1 : 0]! += 1
  }
  expect(faultKinds.filter(kind => !happened.has(kind))).toEqual([])
  const { star, direct } = linked
  expect(star[1]).toBe(0)
  expect(direct[1]).toBeGreaterThan(direct[0]!)
})
