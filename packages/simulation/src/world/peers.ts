import type { PeerHandlers, PeerNetwork, PeerSocket } from '@lockstep/worker'
import type { Network, Socket, SocketHandlers } from './network.ts'
import type { SimulatedProcess } from './process.ts'

/** The first port given to listeners that ask for any. */
const firstPort = 20_000

/** Links between workers over simulated sockets. Ends and resets behave as in Node. */
export function createPeerPorts(network: Network): (process: SimulatedProcess) => PeerNetwork {
  let port = firstPort

  return process => ({
    dial: (host, to, { onOpen, ...handlers }) =>
      openPeer(given => network.dial(process, `${host}:${to}`, { ...given, onOpen }), handlers),
    listen: async (_, asked, onCaller) => {
      const open = new Set<PeerSocket>()
      const own = asked === 0 ? port++ : asked
      const stop = network.listen(process, own, ({ isOpen, accept }) => {
        if (!isOpen()) return
        const handlers: PeerHandlers = {
          onBytes: bytes => taken.onBytes(bytes),
          onClose: reason => {
            open.delete(socket)
            taken.onClose(reason)
          },
        }
        const socket = openPeer(accept, handlers)
        const taken = onCaller(socket)
        open.add(socket)
      })
      const close = () => {
        stop()
        for (const socket of open) socket.destroy()
      }
      return { port: own, close }
    },
  })
}

function openPeer(open: (handlers: SocketHandlers) => Socket, { onBytes, onClose }: PeerHandlers): PeerSocket {
  let isOver = false
  const socket = open({
    onOpen: () => undefined,
    onData: bytes => {
      // Node reuses its read buffer at once, so nobody may keep these bytes.
      const buffer = bytes.slice()
      onBytes(buffer)
      buffer.fill(0xa5)
    },
    onEnd: () => {
      socket.end()
      socket.release()
      finish(null)
    },
    onReset: finish,
  })

  function finish(reason: string | null): void {
    if (isOver) return
    isOver = true
    onClose(reason)
  }

  return {
    write: (bytes, onSent) => {
      if (isOver) onSent?.()
      else socket.write(bytes, onSent ?? doNothing)
    },
    destroy: () => {
      if (!isOver) socket.destroy()
      isOver = true
    },
  }
}

function doNothing(): void {}
