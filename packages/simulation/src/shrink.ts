import type { Fault } from './faults/fault.ts'
import type { Scenario } from './scenario.ts'
import { type SimulationResult, simulate } from './simulate.ts'

/**
 * Removes faults from a failing scenario as long as it still fails, in ever smaller parts (Zeller and Hildebrandt 2002,
 * "Simplifying and isolating failure-inducing input"). Returns the last failure, from which no single fault can be
 * removed.
 */
export async function shrink(failed: SimulationResult, run = simulate): Promise<SimulationResult> {
  let smallest = failed
  let parts = 2
  while (smallest.scenario.faults.length > 0) {
    const faults = smallest.scenario.faults
    const shorter = await firstFailure(withoutEachPart(faults, Math.min(parts, faults.length)), failed.scenario, run)
    if (shorter !== null) {
      smallest = shorter
      parts = Math.max(2, parts - 1)
    } else if (parts < faults.length) parts = Math.min(faults.length, 2 * parts)
    else break
  }
  return smallest
}

function withoutEachPart(faults: readonly Fault[], parts: number): readonly (readonly Fault[])[] {
  const size = Math.ceil(faults.length / parts)
  return Array.from({ length: parts }, (_, part) => faults.filter((_, at) => Math.floor(at / size) !== part))
}

async function firstFailure(
  candidates: readonly (readonly Fault[])[],
  scenario: Scenario,
  run: typeof simulate,
): Promise<SimulationResult | null> {
  for (const faults of candidates) {
    if (faults.length === scenario.faults.length) continue
    const result = await run({ ...scenario, faults })
    if (result.violation !== null) return result
  }
  return null
}
