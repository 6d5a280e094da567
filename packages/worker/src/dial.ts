import type { IncomingMessage } from 'node:http'
import {
  type Connection,
  type ConnectionHandlers,
  createConnection,
  maxWorkerHeaderBytes,
  openWebSocket,
  type Trust,
} from '@lockstep/protocol'

export type DialOptions = {
  readonly url: string
  readonly trust: Trust | undefined
  /** How long the handshake may take. */
  readonly timeoutMs: number
}

export type DialHandlers = ConnectionHandlers & {
  /** The connection is open. `localAddress` is that of this end. */
  readonly onOpen: (localAddress: string) => void
}

/** Begins a connection to a coordinator. */
export type Dial = (options: DialOptions, handlers: DialHandlers) => Connection

export const dialWebSocket: Dial = ({ url, trust, timeoutMs }, handlers) => {
  const socket = openWebSocket(url, timeoutMs, trust)
  let localAddress = ''
  socket.once('upgrade', (response: IncomingMessage) => {
    localAddress = response.socket.localAddress ?? ''
  })
  socket.once('open', () => handlers.onOpen(localAddress))
  return createConnection(socket, handlers, { maxHeader: maxWorkerHeaderBytes })
}
