import { expect, test } from 'vitest'
import type { Fault } from '../src/faults/fault.ts'
import { drawScenario, type Scenario } from '../src/scenario.ts'
import { shrink } from '../src/shrink.ts'
import type { SimulationResult } from '../src/simulate.ts'

const faults = Array.from(
  { length: 9 },
  (_, worker): Fault => ({ kind: 'worker killed', atMs: worker, forMs: 1, worker, acts: 0, variant: 0 }),
)

/** Simulates a run that fails whenever all of these workers are killed. */
function failsWith(guilty: readonly number[]) {
  return async (scenario: Scenario): Promise<SimulationResult> => {
    const killed = scenario.faults.map(({ worker }) => worker)
    const violation = guilty.every(worker => killed.includes(worker)) ? 'failed' : null
    return { scenario, violation, inflicted: scenario.faults, groups: 0, events: 1, simulatedMs: 1, digest: 1 }
  }
}

test.each([[[4]], [[0, 8]], [[1, 4, 7]], [[]]])('shrinking nine faults leaves the guilty ones %j', async guilty => {
  const run = failsWith(guilty)
  const failed = await run({ ...drawScenario(1), faults })
  const shortest = await shrink(failed, run)
  expect(shortest.violation).toBe('failed')
  expect(shortest.scenario.faults.map(({ worker }) => worker)).toEqual(guilty)
})
