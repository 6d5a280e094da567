import type { TopologyMode } from '@lockstep/coordinator'
import { drawFaults } from './faults/draw.ts'
import type { Fault } from './faults/fault.ts'
import type { TinyConfig } from './model/tiny-plan.ts'
import { createChance } from './world/chance.ts'
import type { Latency } from './world/network.ts'

/** Everything that determines a simulation: the same scenario always runs the same way. */
export type Scenario = {
  readonly seed: number
  readonly config: TinyConfig
  readonly topology: TopologyMode
  /** Fraction of the shards that two workers compute. */
  readonly audit: number
  readonly workers: number
  readonly minWorkers: number
  /** Steps between checkpoints within an epoch; 0 for none. */
  readonly checkpointEvery: number
  readonly latency: Latency
  /** Each worker's time per sample. */
  readonly msPerSample: readonly number[]
  readonly faults: readonly Fault[]
}

/** The most workers of a simulation, including those that join later. */
export const mostWorkers = 6

/** The topologies, weighted by how often they are listed. */
const topologies = ['star', 'star', 'star', 'star', 'star', 'direct', 'direct', 'direct', 'direct', 'auto'] as const

export function drawScenario(seed: number): Scenario {
  const chance = createChance(seed, 'scenario')
  const topology = createChance(seed, 'topology').pick(topologies)
  const isStar = topology === 'star'
  const workers = Math.max(isStar ? 1 : 2, chance.whole(1, 5))
  const leastMs = chance.pick([0.05, 0.2, 1])
  return {
    seed,
    config: {
      // Workers must be linked before they can exchange gradients, so these runs last longer.
      epochs: isStar ? 2 : 4,
      batchSize: chance.pick([8, 10, 16]),
      shards: chance.whole(1, 5),
      optimizer: chance.pick(['adam', 'sgd'] as const),
      compress: chance.pick(['none', 'none', 'bfloat16'] as const),
    },
    topology,
    // The coordinator must receive all audited gradients.
    audit: topology === 'direct' ? 0 : createChance(seed, 'audit').pick([0, 0, 0.3, 1]),
    workers,
    minWorkers: chance.whole(1, workers),
    checkpointEvery: chance.pick([0, 1, 2, 3]),
    latency: { leastMs, mostMs: leastMs * chance.pick([2, 10]) },
    msPerSample: Array.from({ length: mostWorkers }, () => chance.between(0.1, chance.pick([1, 1, 8]))),
    faults: drawFaults(createChance(seed, 'faults'), !isStar),
  }
}
