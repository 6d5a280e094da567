import { once } from 'node:events'
import type { Trust } from '@lockstep/protocol'
import { type Connection, createConnection, type LockstepError, openWebSocket, type Received } from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import { onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import { type Listener, type ListenOptions, listen } from '../../src/server.ts'

/** A listener on a free port of this machine that ends with the test, and what it receives. */
export async function startListener(options: Partial<ListenOptions> = {}) {
  const received = createHappenings<Received>()
  const closings = createHappenings<LockstepError | null>()
  const connections = createHappenings<{ readonly address: string; readonly connection: Connection }>()
  const garbage = createHappenings<{ readonly address: string; readonly reason: string }>()
  const listener: Listener = await listen({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    maxFrameBytes: 100_000,
    opened: Promise.resolve(),
    onConnection: (address, connect) => {
      const connection = connect({ onMessage: received.add, onClose: closings.add })
      connections.add({ address, connection })
    },
    onBadConnection: (address, reason) => garbage.add({ address, reason }),
    ...options,
  })
  onTestFinished(listener.close)
  return { listener, received, closings, connections, garbage }
}

/** An open client connection that ends with the test. */
export async function openClient(url: string, trust?: Trust) {
  const socket = openWebSocket(url, 5000, trust)
  onTestFinished(() => void socket.terminate())
  const client = attachClient(socket)
  await once(socket, 'open')
  return client
}

export function attachClient(socket: WebSocket) {
  const received = createHappenings<Received>()
  const closings = createHappenings<LockstepError | null>()
  const connection = createConnection(socket, { onMessage: received.add, onClose: closings.add })
  return { socket, connection, received, closings }
}
