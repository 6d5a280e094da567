import { type Clock, systemClock } from '@lockstep/protocol'
import { createYoungCollector } from './collect-young.ts'
import { startCompute } from './compute.ts'
import { type Dial, dialWebSocket } from './dial.ts'
import { type PeerNetwork, tcpNetwork } from './direct/peer-network.ts'

/** What a worker needs of its machine. */
export type WorkerWorld = {
  readonly clock: Clock
  /** At least 0 and less than 1. */
  readonly random: () => number
  readonly dial: Dial
  readonly startCompute: typeof startCompute
  /** For the direct exchange. */
  readonly peers: PeerNetwork
  readonly createYoungCollector: typeof createYoungCollector
}

export const systemWorld: WorkerWorld = {
  clock: systemClock,
  random: Math.random,
  dial: dialWebSocket,
  startCompute,
  peers: tcpNetwork,
  createYoungCollector,
}
