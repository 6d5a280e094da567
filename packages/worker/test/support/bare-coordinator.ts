import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Connection, createConnection, type LockstepError, type Message, type Received } from '@lockstep/protocol'
import { createHappenings, type Happenings } from '@lockstep/protocol/testing'
import { onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { welcome } from './configuration.ts'

/** A worker as the coordinator that the test plays sees it. */
export type Guest = {
  readonly connection: Connection
  readonly socket: WebSocket
  /** The socket under the WebSocket. */
  readonly transport: Socket
  readonly received: Happenings<Received>
  readonly closed: Happenings<LockstepError | null>
  /** Resolves with the next message of this type, whatever comes before. */
  readonly next: <T extends Message['type']>(type: T) => Promise<Extract<Message, { type: T }>>
}

/** Listens on a free port of this machine until the end of the test, which decides what to send. */
export async function startBareCoordinator(): Promise<{ readonly url: string; readonly guests: Happenings<Guest> }> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  const guests = createHappenings<Guest>()
  sockets.on('connection', (socket, request) => guests.add(receiveGuest(socket, request.socket)))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    await new Promise(resolve => http.close(resolve))
  })
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`, guests }
}

function receiveGuest(socket: WebSocket, transport: Socket): Guest {
  const received = createHappenings<Received>()
  const closed = createHappenings<LockstepError | null>()
  const connection = createConnection(socket, { onMessage: received.add, onClose: closed.add })
  connection.setSizes(welcome.sizes)

  async function next<T extends Message['type']>(type: T): Promise<Extract<Message, { type: T }>> {
    for (;;) {
      const { message } = await received.next()
      if (message.type === type) return message as Extract<Message, { type: T }>
    }
  }

  return { connection, socket, transport, received, closed, next }
}
