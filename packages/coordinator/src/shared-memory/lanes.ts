import { createServer, type Socket } from 'node:net'
import {
  answerLane,
  createLaneName,
  type LaneGreeting,
  laneAddress,
  type OpenLane,
  readLaneGreeting,
} from '@lockstep/protocol'

/** How long a lane may be open before it says which worker it belongs to. */
const greetingMs = 5_000

/** The socket to which computing threads on this machine connect. */
export type Lanes = { readonly name: string; readonly close: () => void }

export type LanesOptions = {
  /** The most bytes in one message from a worker. */
  readonly maxFrameBytes: number
  /** Takes the lane with this greeting; null refuses it. */
  readonly onGreeting: (greeting: LaneGreeting) => OpenLane | null
}

/** Listens under a random name. Null where the system has no sockets without a file: only Linux has them. */
export function openLanes({ maxFrameBytes, onGreeting }: LanesOptions): Promise<Lanes | null> {
  const name = createLaneName()
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const impatience = setTimeout(() => socket.destroy(), greetingMs)
    sockets.add(socket)
    socket.once('close', () => {
      clearTimeout(impatience)
      sockets.delete(socket)
    })
    readLaneGreeting(socket, greeting => {
      clearTimeout(impatience)
      const open = onGreeting(greeting)
      if (open === null) socket.destroy()
      else answerLane(socket, greeting, maxFrameBytes, open)
    })
  })
  return new Promise(resolve => {
    // After listening has begun, an error means that one lane could not be accepted. Its worker finds the lane closed.
    server.on('error', () => resolve(null))
    server.listen(laneAddress(name), () => resolve({ name, close }))
  })

  function close(): void {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
}
