import { type Cluster, createCluster } from './cluster/cluster.ts'
import type { Fault } from './faults/fault.ts'
import { inflict } from './faults/inflict.ts'
import { drawScenario, type Scenario } from './scenario.ts'
import { Violation } from './violation.ts'

/** How long after the last fault the run must have ended: longer than any timeout of the product. */
const patienceMs = 400_000
const mostEvents = 400_000
const mostQueuedBytes = 1 << 20

export type SimulationResult = {
  readonly scenario: Scenario
  /** The violation found; null where there was none. */
  readonly violation: string | null
  /** The faults that happened before the run ended. */
  readonly inflicted: readonly Fault[]
  /** How often workers were linked to each other. */
  readonly groups: number
  readonly events: number
  readonly simulatedMs: number
  /** Hash over the times of all events: equal for equal runs. */
  readonly digest: number
}

/** Runs one simulation. The same scenario always gives the same result. */
export async function simulate(scenario: Scenario): Promise<SimulationResult> {
  const inflicted: Fault[] = []
  let [events, digest] = [0, 0]
  const cluster = createCluster(scenario)
  const onRejection = (error: unknown) => cluster.fail(error instanceof Error ? error : new Error(String(error)))
  process.on('unhandledRejection', onRejection)
  for (const fault of scenario.faults) {
    cluster.time.after(fault.atMs, () => {
      inflicted.push(fault)
      inflict(cluster, fault)
    })
  }
  const lastFaultMs = Math.max(0, ...scenario.faults.map(({ atMs, forMs }) => atMs + forMs))
  let violation: string | null = null
  try {
    await settled()
    while (cluster.coordinator.summary() === null) {
      cluster.check()
      checkProgress(cluster, events, lastFaultMs)
      if (!cluster.time.advance()) throw new Violation('nothing is left to happen, and the run has not ended')
      events += 1
      await settled()
      digest = mix(digest, cluster.time.nowMs())
    }
    cluster.check()
  } catch (error) {
    violation = error instanceof Violation ? error.message : describeError(error)
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  const groups = cluster.coordinator.groups()
  return { scenario, violation, inflicted, groups, events, simulatedMs: cluster.time.nowMs(), digest }
}

export function simulateSeed(seed: number): Promise<SimulationResult> {
  return simulate(drawScenario(seed))
}

function checkProgress(cluster: Cluster, events: number, lastFaultMs: number): void {
  const overMs = cluster.time.nowMs() - lastFaultMs
  if (overMs > patienceMs || events > mostEvents) {
    const since = `${(overMs / 1000).toFixed(0)} s after the last fault, ${events} events`
    throw new Violation(`the run has not ended: ${since}: ${cluster.describe()}`)
  }
  const queued = cluster.network.mostQueuedBytes()
  if (queued > mostQueuedBytes) throw new Violation(`${queued} bytes are queued in one connection`)
}

/** Resolves when all pending promise callbacks, and those that they cause, have run. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function mix(digest: number, value: number): number {
  const low = Math.floor(value * 1e6) >>> 0
  return Math.imul(digest ^ low, 0x01000193) >>> 0
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.stack ?? error.message}` : String(error)
}
