import { type ConnectionHandlers, type Message, maxClientFrameBytes, maxWorkerHeaderBytes } from '@lockstep/protocol'
import { type Dial, type PeerNetwork, runWorker, type WorkerEnd, type WorkerEvent } from '@lockstep/worker'
import type { Chance } from '../world/chance.ts'
import { carryOver } from '../world/connection.ts'
import type { Network } from '../world/network.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { token } from './coordinator-life.ts'
import { type ComputeWatch, computeIn } from './simulated-compute.ts'

/** How long a worker tries to reach a coordinator. */
const waitMs = 600_000

export type WorkerLife = {
  readonly process: SimulatedProcess
  readonly network: Network
  /** Connects it to other workers. */
  readonly peers: PeerNetwork
  readonly chance: Chance
  /** The current address behind the coordinator's name. */
  readonly address: () => string
  readonly watch: ComputeWatch
  readonly leave: AbortSignal
  /** Whether the worker receives a message of the coordinator, or loses it. */
  readonly hears: (message: Message) => boolean
  readonly onEvent: (event: WorkerEvent) => void
}

/** Does what the command line does: works for the coordinator until the run ends. */
export function liveAsWorker(life: WorkerLife): Promise<WorkerEnd> {
  const { process, network, peers, chance, watch, leave, onEvent } = life
  const dial: Dial = ({ timeoutMs }, { onOpen, onMessage, onClose }) => {
    const handlers: ConnectionHandlers = {
      onMessage: received => {
        if (life.hears(received.message)) onMessage(received)
      },
      onClose,
    }
    return carryOver(process, opened => network.dial(process, life.address(), opened), handlers, {
      maxHeader: maxWorkerHeaderBytes,
      maxFrameBytes: maxClientFrameBytes,
      onOpen: () => onOpen(process.host),
      openTimeoutMs: timeoutMs,
    })
  }
  return runWorker(
    {
      url: 'ws://coordinator',
      token,
      name: process.name,
      device: 'cpu',
      waitMs,
      provision: async () => ({ backend: 'wasm', version: 'simulated', reason: 'simulated' }),
      onEvent,
      signal: leave,
    },
    {
      clock: process.clock,
      random: chance.unit,
      dial,
      peers,
      startCompute: computeIn(process, chance, watch),
      createYoungCollector: () => () => undefined,
    },
  )
}
