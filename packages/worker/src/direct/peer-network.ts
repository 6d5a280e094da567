import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What is read at once, into memory that is used again and again. */
const readBytes = 256 << 10
const maxConnections = 4_096
/** A link that rests, as while the run validates, is shown to be alive to what is in between and forgets those that are not. */
const keepAlive = { keepAlive: true, keepAliveInitialDelay: 30_000 }

/** One end of a connection between two workers, as it was opened: bytes in order, of which nothing is known yet. */
export type PeerSocket = {
  /** The bytes must stay as they are until `onSent`, which a connection that has ended calls at once. */
  readonly write: (bytes: Uint8Array, onSent?: () => void) => void
  /** Cuts it off. Its handlers hear nothing any more. */
  readonly destroy: () => void
}

export type PeerHandlers = {
  /** The bytes are valid only during the call. */
  readonly onBytes: (bytes: Uint8Array) => void
  /** It has ended, and not by `destroy`: why, or null where the other end has closed it. */
  readonly onClose: (reason: string | null) => void
}

export type PeerDialHandlers = PeerHandlers & { readonly onOpen: () => void }

/** Where others reach a worker. */
export type PeerDoor = { readonly port: number; readonly close: () => void }

/** How workers reach each other. */
export type PeerNetwork = {
  readonly dial: (host: string, port: number, handlers: PeerDialHandlers) => PeerSocket
  /** Rejects where it cannot listen there. Port 0 is any that is free. */
  readonly listen: (host: string, port: number, onCaller: (socket: PeerSocket) => PeerHandlers) => Promise<PeerDoor>
}

export const tcpNetwork: PeerNetwork = {
  dial: (host, port, handlers) => {
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    const onread = {
      buffer,
      callback: (bytes: number) => {
        handlers.onBytes(buffer.subarray(0, bytes))
        return true
      },
    }
    return watchedSocket(connect({ host, port, noDelay: true, ...keepAlive, onread }, handlers.onOpen), handlers)
  },
  listen: (host, port, onCaller) =>
    new Promise((resolve, reject) => {
      const connections = new Set<Socket>()
      const server = createServer({ noDelay: true, ...keepAlive }, socket => {
        connections.add(socket)
        socket.once('close', () => connections.delete(socket))
        const handlers: PeerHandlers = {
          onBytes: bytes => taken.onBytes(bytes),
          onClose: reason => taken.onClose(reason),
        }
        const taken = onCaller(watchedSocket(socket, handlers))
        socket.on('data', handlers.onBytes)
      })
      server.maxConnections = maxConnections
      // Later, that one connection could not be taken: who has called tries again.
      server.on('error', reject)
      const close = () => {
        server.close()
        for (const socket of connections) socket.destroy()
      }
      server.listen(port, host, () => resolve({ port: (server.address() as AddressInfo).port, close }))
    }),
}

/** What is sent in one go of the event loop leaves in one call of the system. */
function watchedSocket(socket: Socket, { onClose }: Pick<PeerHandlers, 'onClose'>): PeerSocket {
  const uncork = () => socket.uncork()
  let reason: string | null = null
  const tellEnd = () => onClose(reason)
  socket.on('error', error => {
    reason ??= error.message
    socket.destroy()
  })
  socket.once('close', tellEnd)
  return {
    write: (bytes, onSent) => {
      if (!socket.writable) return onSent?.()
      if (socket.writableCorked === 0) {
        socket.cork()
        process.nextTick(uncork)
      }
      socket.write(bytes, onSent)
    },
    destroy: () => {
      socket.off('close', tellEnd)
      socket.destroy()
    },
  }
}
