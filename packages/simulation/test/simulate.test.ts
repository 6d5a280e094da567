import { describe, expect, test } from 'vitest'
import { describeFault, faultKinds } from '../src/faults/fault.ts'
import { drawScenario } from '../src/scenario.ts'
import { simulate, simulateSeed } from '../src/simulate.ts'

const seedsInAPart = 100

describe('whatever fails, each sample counts once and the weights are those of the undisturbed run', () => {
  test.each([0, 1, 2, 3, 4, 5])('in the %i. hundred of schedules', async part => {
    const failures: string[] = []
    for (let seed = part * seedsInAPart + 1; seed <= (part + 1) * seedsInAPart; seed++) {
      const { violation, inflicted } = await simulateSeed(seed)
      if (violation !== null) failures.push(`seed ${seed}: ${violation}\n${inflicted.map(describeFault).join('\n')}`)
    }
    expect(failures).toEqual([])
  })
})

test('a seed happens again exactly', async () => {
  for (const seed of [3, 30, 300]) {
    const [first, again] = [await simulateSeed(seed), await simulateSeed(seed)]
    expect(again).toEqual(first)
    expect(first.events).toBeGreaterThan(100)
  }
})

test('a run in which nothing fails ends within half a second of its own time', async () => {
  const { violation, inflicted, simulatedMs } = await simulate({ ...drawScenario(11), faults: [] })
  expect({ violation, inflicted }).toEqual({ violation: null, inflicted: [] })
  expect(simulatedMs).toBeLessThan(500)
})

test('every kind of fault happens', async () => {
  const happened = new Set<string>()
  for (let seed = 1; seed <= 120; seed++) {
    for (const { kind } of (await simulateSeed(seed)).inflicted) happened.add(kind)
  }
  expect(faultKinds.filter(kind => !happened.has(kind))).toEqual([])
})
