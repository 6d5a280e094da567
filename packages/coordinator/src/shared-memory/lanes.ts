import { randomBytes } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { acceptLane, type Connection, type ConnectionHandlers, laneAddress } from '@lockstep/protocol'

/** How long a lane may be open before it says which worker it belongs to. */
const greetingMs = 5_000

/** The socket to which computing threads on this machine connect. */
export type Lanes = { readonly name: string; readonly close: () => void }

export type LanesOptions = {
  /** The most bytes in one message from a worker. */
  readonly maxFrameBytes: number
  /** Called for each lane. `connect` returns the connection; call `greeted` once the lane's worker is known. */
  readonly onLane: (connect: (handlers: ConnectionHandlers) => Connection, greeted: () => void) => void
}

/** Listens under a random name. Null where the system has no sockets without a file: only Linux has them. */
export function openLanes({ maxFrameBytes, onLane }: LanesOptions): Promise<Lanes | null> {
  const name = `lockstep-${randomBytes(16).toString('hex')}`
  const open = new Set<Socket>()
  const server = createServer(socket => {
    const impatience = setTimeout(() => socket.destroy(), greetingMs)
    open.add(socket)
    socket.once('close', () => {
      clearTimeout(impatience)
      open.delete(socket)
    })
    onLane(
      handlers => acceptLane(socket, handlers, maxFrameBytes),
      () => clearTimeout(impatience),
    )
  })
  return new Promise(resolve => {
    // After listening has begun, an error means that one lane could not be accepted. Its worker finds the lane closed.
    server.on('error', () => resolve(null))
    server.listen(laneAddress(name), () => resolve({ name, close }))
  })

  function close(): void {
    server.close()
    for (const socket of open) socket.destroy()
  }
}
