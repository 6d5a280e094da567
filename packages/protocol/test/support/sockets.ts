import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Received } from '../../src/codec.ts'
import type { LockstepError } from '../../src/common/error.ts'
import {
  type Connection,
  type ConnectionOptions,
  closeTimeoutMs,
  createConnection,
  openWebSocket,
} from '../../src/connection.ts'
import { maxWorkerHeaderBytes } from '../../src/frame.ts'

/** One end of a connection, with what it has received so far. */
export type End = {
  readonly connection: Connection
  readonly socket: WebSocket
  /** The socket under the WebSocket, once that is open. */
  readonly transport: () => Socket
  readonly received: Received[]
  /** Resolves with the first message after those that were awaited before. */
  readonly next: () => Promise<Received>
  /** Resolves with the argument of `onClose`. */
  readonly closed: Promise<LockstepError | null>
}

const limits = { perMessageDeflate: false, maxPayload: 1 << 20, closeTimeout: closeTimeoutMs }

/** Two ends of a connection over a real socket of this machine. */
export async function connectPair(): Promise<{ readonly server: End; readonly client: End }> {
  const { url, sockets } = await listen()
  const accepted = new Promise<End>(resolve =>
    sockets.once('connection', (socket, request) => resolve(createEnd(socket, { transport: request.socket }))),
  )
  const client = createEnd(openWebSocket(url, 5000), { maxHeader: maxWorkerHeaderBytes })
  await once(client.socket, 'open')
  return { server: await accepted, client }
}

/** A WebSocket server that ends with the test. */
export async function listen(): Promise<{ readonly url: string; readonly sockets: WebSocketServer }> {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, ...limits })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => stop(http, sockets))
  return { url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`, sockets }
}

export function createEnd(socket: WebSocket, options: ConnectionOptions = {}): End {
  let { transport } = options
  socket.once('upgrade', (response: IncomingMessage) => {
    transport = response.socket
  })
  const received: Received[] = []
  let awaited = 0
  let wake = () => {}
  let onClose: (error: LockstepError | null) => void
  const closed = new Promise<LockstepError | null>(resolve => {
    onClose = resolve
  })
  const onMessage = (message: Received) => {
    received.push(message)
    wake()
  }
  const connection = createConnection(socket, { onMessage, onClose: error => onClose(error) }, options)

  async function next(): Promise<Received> {
    const index = awaited++
    while (received.length <= index) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    return received[index]!
  }

  return { connection, socket, transport: () => transport!, received, next, closed }
}

async function stop(http: Server, sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.terminate()
  sockets.close()
  await new Promise(resolve => http.close(resolve))
}
