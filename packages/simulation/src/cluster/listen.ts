import type { CoordinatorWorld } from '@lockstep/coordinator'
import { type Connection, closeTimeoutMs, maxHeaderBytes } from '@lockstep/protocol'
import { carryOver } from '../world/connection.ts'
import type { Call, Network } from '../world/network.ts'
import type { SimulatedProcess } from '../world/process.ts'

/** Listens on the simulated network as the coordinator's `listen` does on a real one. */
export function listenOn(network: Network, process: SimulatedProcess): CoordinatorWorld['listen'] {
  return async ({ port, maxFrameBytes, opened, onConnection }) => {
    const open = new Set<Connection>()
    let onEmpty: () => void = () => undefined
    const stop = network.listen(process, port, async call => {
      await opened
      if (call.isOpen()) take(call)
    })

    function take({ address, accept }: Call): void {
      onConnection(address, handlers => {
        const onClose: typeof handlers.onClose = error => {
          open.delete(connection)
          handlers.onClose(error)
          if (open.size === 0) onEmpty()
        }
        const options = { maxHeader: maxHeaderBytes, maxFrameBytes }
        const connection = carryOver(process, accept, { ...handlers, onClose }, options)
        open.add(connection)
        return connection
      })
    }

    async function close(): Promise<void> {
      stop()
      if (open.size === 0) return
      const empty = new Promise<void>(resolve => {
        onEmpty = resolve
      })
      const findServed = () => [...open].filter(({ queuedBytes }) => queuedBytes() === 0)
      let served = findServed()
      const cancel = process.clock.every(closeTimeoutMs, () => {
        for (const connection of served) connection.terminate()
        served = findServed()
      })
      await empty
      cancel()
    }

    return { url: `ws://${process.host}:${port}`, port, close }
  }
}
