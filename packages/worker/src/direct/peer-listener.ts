import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { LockstepError } from '@lockstep/protocol'
import { type WebSocket, WebSocketServer } from 'ws'
import { isProof, parseGreeting, prove } from './greeting.ts'
import { maxPeerFrameBytes } from './ring-exchange.ts'

/** Who may come in, in one ring. */
export type Expected = {
  readonly token: string
  readonly workerId: number
  /** Members that are to dial and have not yet. */
  readonly absent: Set<number>
  readonly onLink: (from: number, socket: WebSocket) => void
}

/** Where to listen. `announce`: others shall call it by this host, too. */
export type PeerListen = { readonly host: string; readonly port: number; readonly announce: boolean }

export type PeerListener = {
  readonly host: string
  readonly port: number
  /** Lets in who shows the token of this ring, until it is forgotten. */
  readonly expect: (ring: number, expected: Expected) => void
  readonly forget: (ring: number) => void
  readonly close: () => void
}

/** A stranger has so long to say what it wants. */
const headersTimeoutMs = 5_000
const maxStrangers = 4_096
const proofHeader = 'lockstep-proof'

/**
 * Listens for other workers of the run. Only a handshake that proves the token of a ring is answered by a WebSocket, which
 * proves it in return; all else is turned away before anything of it is kept. Throws `cannot-listen`.
 */
export async function openPeerListener(host: string, port: number): Promise<PeerListener> {
  const server = createServer({ headersTimeout: headersTimeoutMs, requestTimeout: headersTimeoutMs })
  server.maxConnections = maxStrangers
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxPeerFrameBytes })
  const rings = new Map<number, Expected>()
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.on('request', (_, response) => response.writeHead(426, { connection: 'close' }).end())
  server.on('clientError', (_, socket) => socket.destroy())
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    const greeting = parseGreeting(request.headers.authorization)
    const expected = rings.get(greeting?.ring ?? 0)
    if (greeting === null || expected === undefined || !isExpected(greeting, expected)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return
    }
    expected.absent.delete(greeting.from)
    const { ring, from, to } = greeting
    const proof = prove({ ring, from: to, to: from }, expected.token)
    sockets.once('headers', headers => void headers.push(`${proofHeader}: ${proof}`))
    sockets.handleUpgrade(request, socket, head, peer => expected.onLink(from, peer))
  })
  await bind(server, host, port)
  return {
    host,
    port: (server.address() as AddressInfo).port,
    expect: (ring, expected) => void rings.set(ring, expected),
    forget: ring => void rings.delete(ring),
    close: () => {
      server.close()
      for (const socket of connections) socket.destroy()
    },
  }
}

function isExpected(
  greeting: NonNullable<ReturnType<typeof parseGreeting>>,
  { token, workerId, absent }: Expected,
): boolean {
  return isProof(greeting.proof, greeting, token) && greeting.to === workerId && absent.has(greeting.from)
}

/** What the listener showed in its answer to a handshake. */
export function proofIn(response: IncomingMessage): string | undefined {
  const proof = response.headers[proofHeader]
  return typeof proof === 'string' ? proof : undefined
}

function bind(server: ReturnType<typeof createServer>, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      const hint = 'Choose another address with --peer-listen HOST:PORT.'
      const message = `cannot listen for other workers on ${host}:${port}`
      reject(new LockstepError('cannot-listen', message, { received: cause.message, hint, cause }))
    })
    server.listen(port, host, resolve)
  })
}
