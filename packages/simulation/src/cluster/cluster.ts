import { createSimulatedTime, type SimulatedTime } from '@lockstep/protocol/testing'
import { referenceRun } from '../model/reference-run.ts'
import type { Scenario } from '../scenario.ts'
import { createChance } from '../world/chance.ts'
import { createSimulatedDisk, type SimulatedDisk } from '../world/disk.ts'
import { createNetwork, type Network } from '../world/network.ts'
import { createPeerPorts } from '../world/peers.ts'
import { type CoordinatorSeat, createCoordinatorSeat } from './coordinator-seat.ts'
import { createWorkerSeat, type WorkerSeat } from './worker-seat.ts'

/** How long it takes until a process that ended before the run did is restarted. */
const restart = { leastMs: 5, mostMs: 400 }

/** A coordinator and its workers, on machines and a network of their own. */
export type Cluster = {
  readonly time: SimulatedTime
  readonly network: Network
  readonly disk: SimulatedDisk
  readonly coordinator: CoordinatorSeat
  readonly workers: readonly WorkerSeat[]
  readonly addWorker: () => void
  /**
   * Makes the worker's next gradient not finite, at most once per run: after two such gradients of one shard the run
   * would have diverged.
   */
  readonly spoilOnce: (worker: WorkerSeat) => void
  /** Throws a `Violation` where an invariant is broken, and any error recorded by `fail`. */
  readonly check: () => void
  /** Records an error that could not be thrown where it was found. */
  readonly fail: (error: Error) => void
  readonly describe: () => string
}

export function createCluster(scenario: Scenario): Cluster {
  const { seed } = scenario
  const time = createSimulatedTime()
  const network = createNetwork(time, createChance(seed, 'network'), scenario.latency)
  const peersOf = createPeerPorts(network)
  const disk = createSimulatedDisk(time, createChance(seed, 'disk'))
  const reference = referenceRun(scenario.config)
  let failure: Error | null = null
  let spoilt = false
  const fail = (error: Error) => {
    failure ??= error
  }
  const common = { time, network, reference, restart, fail }
  const coordinator = createCoordinatorSeat({ ...common, scenario, disk, chance: createChance(seed, 'coordinator') })
  const workers: WorkerSeat[] = []
  while (workers.length < scenario.workers) addWorker()

  function addWorker(): void {
    const number = workers.length + 1
    const seat = createWorkerSeat({
      ...common,
      peersOf,
      coordinator,
      number,
      msPerSample: scenario.msPerSample[number - 1]!,
      chance: createChance(seed, `worker ${number}`),
    })
    workers.push(seat)
  }

  return {
    time,
    network,
    disk,
    coordinator,
    workers,
    addWorker,
    spoilOnce: worker => {
      if (spoilt) return
      spoilt = true
      coordinator.suspect(worker.process().name)
      worker.spoil()
    },
    fail,
    check: () => {
      if (failure !== null) throw failure
      coordinator.check()
      for (const worker of workers) worker.check()
    },
    describe: () => [coordinator, ...workers].map(seat => seat.describe()).join('; '),
  }
}
