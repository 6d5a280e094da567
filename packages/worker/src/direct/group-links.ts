import { setMaxListeners } from 'node:events'
import { type Clock, interrupted, LockstepError, type MessageOf } from '@lockstep/protocol'
import { dialPeer } from './peer-dial.ts'
import type { PeerListener } from './peer-listener.ts'
import type { PeerNetwork, PeerSocket } from './peer-network.ts'
import { createPieceStream, type PieceSink } from './piece-stream.ts'
import type { SendPiece } from './step-exchange.ts'

/**
 * How long members have to reach each other: on slow links some hear of the group later than others, by the time of a
 * mean.
 */
const linkTimeoutMs = 60_000
/** How long one attempt may take. */
const dialTimeoutMs = 10_000
/** Pause between attempts: the other member may not have heard of the group yet. */
const retryMs = 50

export type GroupLinksOptions = {
  readonly group: MessageOf<'group'>
  readonly workerId: number
  readonly listener: PeerListener
  readonly world: { readonly peers: PeerNetwork; readonly clock: Clock }
  /** There are links from and to every other member. */
  readonly onLinked: () => void
  /** Takes what a member sends. `from` is its place in the list. */
  readonly sinkFor: (from: number) => PieceSink
  /** Called once, when a link cannot be opened or is lost. */
  readonly onFailure: (reason: string) => void
}

/** A member's links: one from each other member, on which pieces arrive, and one to each, on which pieces leave. */
export type GroupLinks = {
  readonly send: SendPiece
  readonly close: () => void
  /** Closes the links because of a fault, and reports the reason as a failure. */
  readonly fail: (reason: string) => void
}

/** The receiving end dials a link: that end can have the system read into the same memory again and again. */
export function linkGroup(options: GroupLinksOptions): GroupLinks {
  const { members, token, group } = options.group
  const { workerId, listener, world } = options
  const { clock } = world
  const others = members.map((_, at) => at).filter(at => members[at]!.workerId !== workerId)
  const incoming = new Map<number, PeerSocket>()
  const outgoing = new Map<number, PeerSocket>()
  const giveUp = new AbortController()
  setMaxListeners(members.length, giveUp.signal)
  const tooLate = () => fail(`no link with ${missing()} within ${linkTimeoutMs / 1000} s`)
  const stopWaiting = clock.after(linkTimeoutMs, tooLate)
  const absent = new Set(others.map(at => members[at]!.workerId))
  listener.expect(group, {
    token,
    workerId,
    absent,
    onLink: (from, socket) => adopt(outgoing, placeOf(from), socket),
    onLost: (from, reason) => lose(placeOf(from), reason),
  })
  for (const at of others) dialUntilLinked(at).catch(fail)

  function placeOf(member: number): number {
    return members.findIndex(({ workerId }) => workerId === member)
  }

  async function dialUntilLinked(at: number): Promise<void> {
    const { url, workerId: other } = members[at]!
    const { hostname, port } = new URL(url)
    const onBytes = receiver(at)
    do {
      const socket = await dialPeer({
        network: world.peers,
        clock,
        host: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port),
        greeting: { group, from: workerId, to: other },
        token,
        timeoutMs: dialTimeoutMs,
        signal: giveUp.signal,
        onBytes,
        onClose: reason => lose(at, reason),
      })
      if (socket !== null) return adopt(incoming, at, socket)
    } while (!(await interrupted(retryMs, giveUp.signal, clock)))
  }

  function adopt(links: Map<number, PeerSocket>, at: number, socket: PeerSocket): void {
    if (giveUp.signal.aborted) return void socket.destroy()
    links.set(at, socket)
    if (incoming.size < others.length || outgoing.size < others.length) return
    stopWaiting()
    options.onLinked()
  }

  function lose(at: number, reason: string | null): void {
    const { workerId: other } = members[at]!
    fail(reason === null ? `worker ${other} closed a link` : `a link with worker ${other} failed: ${reason}`)
  }

  function receiver(from: number): (bytes: Uint8Array) => void {
    const feed = createPieceStream(options.sinkFor(from))
    return bytes => {
      if (giveUp.signal.aborted) return
      try {
        feed(bytes)
      } catch (error) {
        if (!(error instanceof LockstepError)) throw error
        fail(`worker ${members[from]!.workerId} sent what does not fit: ${error.message}`)
      }
    }
  }

  function missing(): string {
    const absent = others.filter(at => !incoming.has(at) || !outgoing.has(at)).map(at => members[at]!)
    return `worker ${absent.map(member => `${member.workerId} (${member.url})`).join(', ')}`
  }

  function fail(reason: unknown): void {
    if (giveUp.signal.aborted) return
    // The reason is reported first: the other ends only see that their links are closed, and report that too.
    giveUp.abort()
    options.onFailure(String(reason))
    close()
  }

  function close(): void {
    stopWaiting()
    giveUp.abort()
    listener.forget(group)
    for (const socket of [...incoming.values(), ...outgoing.values()]) socket.destroy()
  }

  return { close, fail, send: (to, header, elements, onSent) => sendPiece(outgoing.get(to), header, elements, onSent) }
}

function sendPiece(
  socket: PeerSocket | undefined,
  header: Uint8Array,
  elements: Uint8Array,
  onSent: (() => void) | undefined,
): void {
  if (socket === undefined) return onSent?.()
  socket.write(header)
  if (elements.length > 0) socket.write(elements, onSent)
}
