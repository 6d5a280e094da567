import { LockstepError, type MessageOf, unmaskedClient } from '@lockstep/protocol'
import { WebSocket } from 'ws'
import { interrupted } from '../interrupted.ts'
import { formatGreeting, isProof } from './greeting.ts'
import { type PeerListener, proofIn } from './peer-listener.ts'
import { maxPeerFrameBytes } from './ring-exchange.ts'

/** How long the members have to reach each other. */
const linkTimeoutMs = 10_000
/** Between attempts: the other one may not have heard of the ring yet. */
const retryMs = 50

export type RingLinksOptions = {
  readonly ring: MessageOf<'ring'>
  readonly workerId: number
  readonly listener: PeerListener
  /** There is a link to every other member. */
  readonly onLinked: () => void
  readonly onFrame: (from: number, frame: Uint8Array) => void
  /** Called once, when a link cannot be made or is lost. */
  readonly onFailure: (reason: string) => void
}

/** One connection to each other member of a ring, by its place in the list. */
export type RingLinks = {
  /** `elements` must stay as they are until they are sent. */
  readonly send: (to: number, header: Uint8Array, elements: Uint8Array) => void
  readonly close: () => void
}

/** Of each two members the one with the lower place dials. */
export function linkRing(options: RingLinksOptions): RingLinks {
  const { members, token, ring } = options.ring
  const { workerId, listener } = options
  const me = members.findIndex(member => member.workerId === workerId)
  const links = new Map<number, WebSocket>()
  const giveUp = new AbortController()
  const lastMoment = setTimeout(() => fail(`no link to ${missing()} within ${linkTimeoutMs / 1000} s`), linkTimeoutMs)
  const callers = members.slice(0, me).map(member => member.workerId)
  listener.expect(ring, { token, workerId, absent: new Set(callers), onLink: adoptCaller })
  for (let to = me + 1; to < members.length; to++) dialUntilLinked(to).catch(fail)

  function adoptCaller(from: number, socket: WebSocket): void {
    adopt(
      members.findIndex(member => member.workerId === from),
      socket,
    )
  }

  async function dialUntilLinked(to: number): Promise<void> {
    const { url, workerId: other } = members[to]!
    do {
      const socket = await dial(url, { ring, from: workerId, to: other }, token)
      if (socket !== null) return adopt(to, socket)
    } while (!(await interrupted(retryMs, giveUp.signal)))
  }

  function adopt(at: number, socket: WebSocket): void {
    if (giveUp.signal.aborted) return socket.terminate()
    links.set(at, socket)
    socket.binaryType = 'nodebuffer'
    socket.on('message', (frame: Buffer) => receive(at, frame))
    socket.on('error', error => fail(`the link to worker ${members[at]!.workerId} failed: ${error.message}`))
    socket.on('close', () => fail(`worker ${members[at]!.workerId} closed its link`))
    if (links.size < members.length - 1) return
    clearTimeout(lastMoment)
    options.onLinked()
  }

  function receive(from: number, frame: Uint8Array): void {
    if (giveUp.signal.aborted) return
    try {
      options.onFrame(from, frame)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      fail(`worker ${members[from]!.workerId} sent what does not fit: ${error.message}`)
    }
  }

  function missing(): string {
    const absent = members.filter((_, at) => at !== me && !links.has(at))
    return `worker ${absent.map(member => `${member.workerId} (${member.url})`).join(', ')}`
  }

  function fail(reason: unknown): void {
    if (giveUp.signal.aborted) return
    close()
    options.onFailure(String(reason))
  }

  function close(): void {
    clearTimeout(lastMoment)
    giveUp.abort()
    listener.forget(ring)
    for (const socket of links.values()) socket.terminate()
  }

  return {
    close,
    send: (to, header, elements) => {
      const socket = links.get(to)
      if (socket?.readyState !== WebSocket.OPEN) return
      socket.send(header, { binary: true, fin: false })
      socket.send(elements, { binary: true, fin: true })
    },
  }
}

/** Null when nobody answers there, or not who should. */
function dial(url: string, greeting: Parameters<typeof formatGreeting>[0], token: string): Promise<WebSocket | null> {
  return new Promise(resolve => {
    const socket = new WebSocket(url, {
      ...unmaskedClient,
      handshakeTimeout: linkTimeoutMs,
      maxPayload: maxPeerFrameBytes,
      headers: { authorization: formatGreeting(greeting, token) },
    })
    let known = false
    const answer = { ring: greeting.ring, from: greeting.to, to: greeting.from }
    socket.once('upgrade', response => {
      known = isProof(proofIn(response), answer, token)
      if (!known) socket.terminate()
    })
    socket.on('error', () => resolve(null))
    socket.once('open', () => {
      if (known) resolve(socket)
    })
  })
}
