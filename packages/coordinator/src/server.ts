import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import {
  type Connection,
  type ConnectionHandlers,
  closeTimeoutMs,
  createConnection,
  hasSystemCode,
  LockstepError,
  reasonOf,
} from '@lockstep/protocol'
import { WebSocketServer } from 'ws'
import { addressOf, reportBadHandshakes, reportHangUps } from './bad-connections.ts'
import { createDeferred } from './deferred.ts'

/** A peer that connects and sends nothing holds a descriptor. It has 5 s for its handshake, checked once a second. */
const timeouts = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000 }

/** Where to listen. */
export type BindOptions = {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** PEM texts. With them the coordinator speaks `wss:`. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Called for bytes that are not a WebSocket handshake. */
  readonly onBadConnection: (address: string, reason: string) => void
}

/** Which connections to accept. */
export type AdmitOptions = {
  /** The most bytes in one message from a worker. */
  readonly maxFrameBytes: number
  /** Until this resolves, peers wait for the answer to their handshake. */
  readonly opened: Promise<void>
  /** Called for each WebSocket that a peer opens. */
  readonly onConnection: (address: string, connect: (handlers: ConnectionHandlers) => Connection) => void
}

export type ListenOptions = BindOptions & AdmitOptions

export type Listener = { readonly url: string; readonly port: number; readonly close: () => Promise<void> }

/** A listener that accepts no connection before `admit` is called. Until then handshakes wait for their answers. */
export type BoundListener = Listener & { readonly admit: (options: AdmitOptions) => void }

/** Listens for workers. Throws `bad-tls`, `port-taken` or `cannot-listen`. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const listener = await bindListener(options)
  listener.admit(options)
  return listener
}

/** Like `listen`, for when it is not known yet which connections to accept. */
export async function bindListener(options: BindOptions): Promise<BoundListener> {
  const server = options.tls === null ? createServer(timeouts) : createSecureServer(options.tls)
  const open = followConnections(server)
  const admission = createDeferred<Admission>()
  server.on('upgrade', async (request: IncomingMessage, transport: Socket, head: Buffer) => {
    const address = addressOf(transport)
    // Under TLS this socket is not the TCP socket.
    open.set(address, transport)
    transport.on('error', () => transport.destroy())
    const { sockets, opened, onConnection } = await admission.promise
    await opened
    sockets.handleUpgrade(request, transport, head, socket =>
      onConnection(address, handlers => createConnection(socket, handlers, { transport })),
    )
  })
  server.on('request', (_, response) => {
    response
      .writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
      .end('A lockstep coordinator: workers connect by WebSocket.\n')
  })
  reportBadHandshakes(server, options.onBadConnection)
  if (options.tls !== null) reportHangUps(server, options.onBadConnection)
  await bind(server, options)
  server.on('error', error => options.onBadConnection(options.host, `a connection failed (${error.message})`))
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `${options.tls === null ? 'ws' : 'wss'}://${host}:${port}`,
    port,
    admit: admitted => admission.resolve({ ...admitted, sockets: createSockets(admitted) }),
    close: () => close(server, open),
  }
}

type Admission = AdmitOptions & { readonly sockets: WebSocketServer }

function createSockets({ maxFrameBytes }: AdmitOptions): WebSocketServer {
  const limits = { perMessageDeflate: false, maxPayload: maxFrameBytes, closeTimeout: closeTimeoutMs }
  return new WebSocketServer({ noServer: true, ...limits })
}

function createSecureServer(tls: NonNullable<BindOptions['tls']>): Server {
  try {
    return createTlsServer({ ...timeouts, handshakeTimeout: timeouts.headersTimeout, ...tls })
  } catch (cause) {
    throw new LockstepError('bad-tls', 'the TLS certificate or key is unusable', {
      kind: 'usage',
      expected: 'a certificate and its private key, both PEM',
      received: reasonOf(cause),
      cause,
    })
  }
}

/** The open sockets by the peer's address. */
function followConnections(server: Server): Map<string, Socket> {
  const open = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const address = addressOf(socket)
    open.set(address, socket)
    socket.once('close', () => open.delete(address))
  })
  return open
}

function bind(server: Server, { host, port }: BindOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(bindError(error, host, port))
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

function bindError(cause: Error, host: string, port: number): LockstepError {
  if (hasSystemCode(cause, 'EADDRINUSE')) {
    const hint = 'Another program listens there; choose another port with --listen HOST:PORT.'
    return new LockstepError('port-taken', `port ${port} on ${host} is taken`, { hint, cause })
  }
  const hint = 'Give --listen an address of this machine, such as 0.0.0.0 for all, and a port that you may use.'
  return new LockstepError('cannot-listen', `cannot listen on ${host}:${port}`, {
    received: cause.message,
    hint,
    cause,
  })
}

/**
 * Stops listening and waits for the connections to end. Destroys those that stay open although nothing is queued for
 * them.
 */
async function close(server: Server, open: ReadonlyMap<string, Socket>): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  const findServed = () => [...open.values()].filter(({ writableLength }) => writableLength === 0)
  let served = findServed()
  const impatience = setInterval(() => {
    for (const socket of served) socket.destroy()
    served = findServed()
  }, closeTimeoutMs)
  await closed
  clearInterval(impatience)
}
