import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { LockstepError } from '@lockstep/protocol'
import { createLineReader, formatGreeting, isProof, parseGreeting } from './greeting.ts'

/** Who may come for pieces, in one ring. */
export type Expected = {
  readonly token: string
  readonly workerId: number
  /** Members that have not come yet. */
  readonly absent: Set<number>
  readonly onLink: (from: number, socket: Socket) => void
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
const greetingTimeoutMs = 5_000
const maxConnections = 4_096

/**
 * Listens for other workers of the run, which come for pieces. Only a greeting that proves the token of a ring is
 * answered, by one that proves it in return; all else is hung up on before more of it is kept. Throws `cannot-listen`.
 */
export async function openPeerListener(host: string, port: number): Promise<PeerListener> {
  const rings = new Map<number, Expected>()
  const connections = new Set<Socket>()
  const server = createServer(socket => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    socket.on('error', () => socket.destroy())
    greetStranger(socket, rings)
  })
  server.maxConnections = maxConnections
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

function greetStranger(socket: Socket, rings: ReadonlyMap<number, Expected>): void {
  const reader = createLineReader()
  socket.setTimeout(greetingTimeoutMs, () => socket.destroy())
  socket.on('data', takeLine)

  function takeLine(bytes: Buffer): void {
    try {
      const { line, rest } = reader.feed(bytes) ?? {}
      if (line === undefined) return
      const welcome = rest?.length === 0 ? welcomeOf(line, rings) : null
      if (welcome === null) socket.destroy()
      else admit(welcome)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      socket.destroy()
    }
  }

  /** From here on pieces go out by this link, and nothing comes in. */
  function admit({ from, answer, onLink }: NonNullable<ReturnType<typeof welcomeOf>>): void {
    socket.setTimeout(0)
    socket.off('data', takeLine).on('data', () => socket.destroy())
    socket.setNoDelay(true)
    socket.write(answer)
    onLink(from, socket)
  }
}

/** Who has come with this greeting, and how it is answered; null for somebody who is not expected. */
function welcomeOf(line: string, rings: ReadonlyMap<number, Expected>) {
  const greeting = parseGreeting(line)
  const expected = rings.get(greeting?.ring ?? 0)
  if (greeting === null || expected === undefined) return null
  const { token, workerId, absent, onLink } = expected
  const { ring, from, to, proof } = greeting
  if (!isProof(proof, greeting, token) || to !== workerId || !absent.delete(from)) return null
  return { from, answer: formatGreeting({ ring, from: to, to: from }, token), onLink }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      const hint = 'Choose another address with --peer-listen HOST:PORT.'
      const message = `cannot listen for other workers on ${host}:${port}`
      reject(new LockstepError('cannot-listen', message, { received: cause.message, hint, cause }))
    })
    server.listen(port, host, resolve)
  })
}
