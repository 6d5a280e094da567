import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The most bytes read at once, into memory that is reused. */
const readBytes = 256 << 10
const maxConnections = 4_096
/**
 * An idle link, for example during a validation, sends keep-alives: devices on the way see that it is alive, and links
 * to dead peers are closed.
 */
const keepAlive = { keepAlive: true, keepAliveInitialDelay: 30_000 }

/** One end of a connection between two workers, before any greeting: a stream of bytes. */
export type PeerSocket = {
  /** The bytes must not change until `onSent`, which a closed connection calls at once. */
  readonly write: (bytes: Uint8Array, onSent?: () => void) => void
  /** Closes the connection. Its handlers are not called any more. */
  readonly destroy: () => void
}

export type PeerHandlers = {
  /** The bytes are valid only during the call. */
  readonly onBytes: (bytes: Uint8Array) => void
  /** The connection has ended, but not by `destroy`. `reason` is null where the other end has closed it. */
  readonly onClose: (reason: string | null) => void
}

export type PeerDialHandlers = PeerHandlers & { readonly onOpen: () => void }

/** A listening socket for other workers. */
export type PeerServer = { readonly port: number; readonly close: () => void }

/** How workers reach each other. */
export type PeerNetwork = {
  readonly dial: (host: string, port: number, handlers: PeerDialHandlers) => PeerSocket
  /** Rejects where it cannot listen. Port 0 means any free port. */
  readonly listen: (host: string, port: number, onCaller: (socket: PeerSocket) => PeerHandlers) => Promise<PeerServer>
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
      // After listening has begun, an error means that one connection could not be accepted. Its caller tries again.
      server.on('error', reject)
      const close = () => {
        server.close()
        for (const socket of connections) socket.destroy()
      }
      server.listen(port, host, () => resolve({ port: (server.address() as AddressInfo).port, close }))
    }),
}

/** Joins all writes of one turn of the event loop into one system call. */
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
