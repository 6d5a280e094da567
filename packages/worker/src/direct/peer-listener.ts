import { type Clock, LockstepError } from '@lockstep/protocol'
import { createLineReader, formatGreeting, isProof, parseGreeting } from './greeting.ts'
import type { PeerHandlers, PeerNetwork, PeerSocket } from './peer-network.ts'

/** The members of one group that may dial this worker for pieces. */
export type Expected = {
  readonly token: string
  readonly workerId: number
  /** Members that have not dialled yet. */
  readonly absent: Set<number>
  readonly onLink: (from: number, socket: PeerSocket) => void
  /** The link to a member that has dialled has ended. */
  readonly onLost: (from: number, reason: string | null) => void
}

/** Where to listen. `announce`: other workers are told to dial this host too. */
export type PeerListen = { readonly host: string; readonly port: number; readonly announce: boolean }

export type PeerListener = {
  readonly port: number
  /** Accepts members that prove this group's token, until it is forgotten. */
  readonly expect: (group: number, expected: Expected) => void
  readonly forget: (group: number) => void
  readonly close: () => void
}

/** How long a stranger has to send its greeting. */
const greetingTimeoutMs = 5_000

/**
 * Listens for other workers of the run, which dial for pieces. A greeting that proves the token of a group is answered
 * by one that proves it in return. Any other connection is closed before more of its bytes are kept. Throws
 * `cannot-listen`.
 */
export async function openPeerListener(
  host: string,
  port: number,
  { peers, clock }: { readonly peers: PeerNetwork; readonly clock: Clock },
): Promise<PeerListener> {
  const groups = new Map<number, Expected>()
  const greet = (socket: PeerSocket) => greetStranger(socket, groups, clock)
  const server = await peers.listen(host, port, greet).catch(cause => {
    const hint = 'Choose another address with --peer-listen HOST:PORT.'
    const message = `cannot listen for other workers on ${host}:${port}`
    throw new LockstepError('cannot-listen', message, { received: cause.message, hint, cause })
  })
  return {
    port: server.port,
    expect: (group, expected) => void groups.set(group, expected),
    forget: group => void groups.delete(group),
    close: server.close,
  }
}

function greetStranger(socket: PeerSocket, groups: ReadonlyMap<number, Expected>, clock: Clock): PeerHandlers {
  const reader = createLineReader()
  const stopWaiting = clock.after(greetingTimeoutMs, hangUp)
  let admitted: Welcome | null = null

  function hangUp(): void {
    stopWaiting()
    socket.destroy()
  }

  function takeLine(bytes: Uint8Array): void {
    // A link carries pieces out only; nothing may come in.
    if (admitted !== null) return lose('it has sent something')
    try {
      const { line, rest } = reader.feed(bytes) ?? {}
      if (line === undefined) return
      const welcome = rest?.length === 0 ? welcomeOf(line, groups) : null
      if (welcome === null) hangUp()
      else admit(welcome)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      hangUp()
    }
  }

  function admit(welcome: Welcome): void {
    stopWaiting()
    admitted = welcome
    socket.write(Buffer.from(welcome.answer))
    welcome.expected.onLink(welcome.from, socket)
  }

  function lose(reason: string | null): void {
    hangUp()
    admitted?.expected.onLost(admitted.from, reason)
  }

  return { onBytes: takeLine, onClose: lose }
}

type Welcome = { readonly from: number; readonly answer: string; readonly expected: Expected }

/** The member that has sent this greeting, and the answer to it; null for an unexpected one. */
function welcomeOf(line: string, groups: ReadonlyMap<number, Expected>): Welcome | null {
  const greeting = parseGreeting(line)
  const expected = groups.get(greeting?.group ?? 0)
  if (greeting === null || expected === undefined) return null
  const { token, workerId, absent } = expected
  const { group, from, to, proof } = greeting
  if (!isProof(proof, greeting, token) || to !== workerId || !absent.delete(from)) return null
  return { from, answer: formatGreeting({ group, from: to, to: from }, token), expected }
}
