import type { SimulatedTime } from '@lockstep/protocol/testing'
import type { Chance } from './chance.ts'
import { type Item, keepOwnCopies, loseTail, newPipe, type Pipe } from './pipe.ts'
import type { Ending, SimulatedProcess } from './process.ts'

/** Callbacks of the program at one end of a connection. */
export type SocketHandlers = {
  readonly onOpen: () => void
  readonly onData: (bytes: Uint8Array) => void
  /** The other end sends nothing more. */
  readonly onEnd: () => void
  readonly onReset: (reason: string) => void
}

/** One end of a connection, as its program sees it. */
export type Socket = {
  /**
   * With `onSent`, the bytes are read in place until they have arrived; then `onSent` is called. Without it they are
   * copied.
   */
  readonly write: (bytes: Uint8Array, onSent?: () => void) => void
  /** Sends nothing more after what has been written. */
  readonly end: () => void
  /** Resets the connection: written bytes may be lost, and the other end is told. */
  readonly destroy: () => void
  /** Marks this end as done, after both ends have ended. */
  readonly release: () => void
  /** Bytes that the other end has not read. */
  readonly queuedBytes: () => number
  readonly receivedBytes: () => number
}

/** An incoming call. `isOpen` says whether the caller still waits; `accept` opens the connection. */
export type Call = {
  readonly address: string
  readonly isOpen: () => boolean
  readonly accept: (handlers: SocketHandlers) => Socket
}

export type OnCall = (call: Call) => void

export type Network = {
  /** Throws where the port is taken. Returns a function that stops listening. */
  readonly listen: (process: SimulatedProcess, port: number, onCall: OnCall) => () => void
  readonly dial: (process: SimulatedProcess, to: string, handlers: SocketHandlers) => Socket
  /** Connections with a living process at both ends. */
  readonly connections: () => readonly NetworkConnection[]
  /** Blocks one direction between two machines. What is sent meanwhile waits. */
  readonly block: (from: string, to: string) => void
  readonly unblock: (from: string, to: string) => void
  /** Adds this delay to everything that leaves or reaches a machine. */
  readonly slowDown: (host: string, byMs: number) => void
  /** Adds this delay to everything between two machines, in both directions. */
  readonly slowPath: (a: string, b: string, byMs: number) => void
  /** A machine has power again, so it answers peers that still believe in its old connections. */
  readonly boot: (host: string) => void
  /** The most bytes that were ever queued in one direction of a connection. */
  readonly mostQueuedBytes: () => number
}

/** A connection as faults see it. */
export type NetworkConnection = {
  readonly hosts: readonly [string, string]
  /**
   * Breaks the connection in the middle of what is in transit. `told` says which ends learn of it; the others still
   * believe in it.
   */
  readonly cut: (told: readonly [boolean, boolean]) => void
}

type End = {
  readonly host: string
  /** Null at a listener's end until the call has been accepted. */
  process: SimulatedProcess | null
  handlers: SocketHandlers | null
  readonly out: Pipe
  receivedBytes: number
  /** The program receives nothing any more. */
  closed: boolean
  /** At the dialling end: what happens when its call arrives. */
  call: (() => void) | null
}

type Link = { readonly ends: readonly [End, End]; dead: boolean }

type Listener = { readonly process: SimulatedProcess; readonly onCall: OnCall }

/** How long a message is in transit. */
export type Latency = { readonly leastMs: number; readonly mostMs: number }

export function createNetwork(time: SimulatedTime, chance: Chance, latency: Latency): Network {
  const links: Link[] = []
  const listeners = new Map<string, Listener>()
  const blocked = new Set<string>()
  /** By machine, and by path between two machines. */
  const slow = new Map<string, number>()
  const down = new Set<string>()
  let ports = 40_000
  let mostQueuedBytes = 0

  function listen(process: SimulatedProcess, port: number, onCall: OnCall): () => void {
    const address = `${process.host}:${port}`
    if (listeners.has(address)) throw Object.assign(new Error(`${address} is taken`), { code: 'EADDRINUSE' })
    const listener = { process, onCall }
    listeners.set(address, listener)
    const close = () => {
      if (listeners.get(address) === listener) listeners.delete(address)
    }
    process.onEnd(close)
    return close
  }

  function dial(process: SimulatedProcess, to: string, handlers: SocketHandlers): Socket {
    const near = newEnd(process.host, process, handlers)
    const far = newEnd(to.slice(0, to.lastIndexOf(':')), null, null)
    const link: Link = { ends: [near, far], dead: false }
    links.push(link)
    const answer = (address: string) => {
      const listener = listeners.get(to)
      if (listener === undefined) return send(link, far, { type: 'reset', reason: 'connect ECONNREFUSED' })
      listener.process.reach(() => {
        const isOpen = () => !far.closed && listener.process.isAlive()
        const accept: Call['accept'] = given => {
          take(link, far, listener.process, given)
          send(link, far, { type: 'open' })
          return socketOf(link, far)
        }
        listener.onCall({ address, isOpen, accept })
      })
    }
    near.call = () => answer(`${process.host}:${ports++}`)
    take(link, near, process, handlers)
    send(link, near, { type: 'dial' })
    return socketOf(link, near)
  }

  function take(link: Link, end: End, process: SimulatedProcess, handlers: SocketHandlers): void {
    end.process = process
    end.handlers = handlers
    process.onEnd(ending => abandon(link, end, ending))
  }

  /** What the kernel does with a connection whose process has ended. */
  function abandon(link: Link, end: End, ending: Ending): void {
    if (end.closed) return
    end.closed = true
    keepOwnCopies(end.out)
    if (ending === 'power-loss') {
      down.add(end.host)
      loseTail(end.out, chance)
    } else if (ending === 'kill' && chance.happens(0.5)) {
      loseTail(end.out, chance)
      send(link, end, { type: 'reset', reason: 'read ECONNRESET' })
    } else send(link, end, { type: 'end' })
  }

  function socketOf(link: Link, end: End): Socket {
    const acts = () => end.process!.act() && !end.closed
    return {
      write: (bytes, onSent) => {
        if (!acts()) return
        const pieces = cutUp(onSent === undefined ? bytes.slice() : bytes)
        const last = pieces.at(-1)
        for (const piece of pieces) send(link, end, dataItem(piece, onSent, piece === last))
      },
      end: () => {
        if (acts()) send(link, end, { type: 'end' })
      },
      destroy: () => {
        if (!acts()) return
        end.closed = true
        keepOwnCopies(end.out)
        if (chance.happens(0.3)) loseTail(end.out, chance)
        send(link, end, { type: 'reset', reason: 'read ECONNRESET' })
      },
      release: () => {
        end.closed = true
      },
      queuedBytes: () => end.out.queuedBytes,
      receivedBytes: () => end.receivedBytes,
    }
  }

  /** Cuts bytes into pieces that are unrelated to the writes, as a network does. */
  function cutUp(bytes: Uint8Array): readonly Uint8Array[] {
    if (bytes.length < 2 || !chance.happens(0.2)) return [bytes]
    const at = chance.whole(1, bytes.length - 1)
    return [bytes.subarray(0, at), bytes.subarray(at)]
  }

  function send(link: Link, from: End, item: Item): void {
    const pipe = from.out
    if (link.dead || (pipe.broken && item.type !== 'reset')) return
    const to = otherEnd(link, from)
    const slower = [from.host, to.host, pathBetween(from.host, to.host)].reduce(
      (sum, at) => sum + (slow.get(at) ?? 0),
      0,
    )
    const delay = chance.between(latency.leastMs, latency.mostMs) + slower
    pipe.lastArrivalMs = Math.max(pipe.lastArrivalMs, time.nowMs() + delay)
    if (item.type === 'data') pipe.queuedBytes += item.bytes.length
    mostQueuedBytes = Math.max(mostQueuedBytes, pipe.queuedBytes)
    pipe.items.push(item)
    if (pipe.items.length === 1) schedule(link, from, pipe.lastArrivalMs - time.nowMs())
  }

  function schedule(link: Link, from: End, delayMs: number): void {
    from.out.cancel = time.after(delayMs, () => arrive(link, from))
  }

  function arrive(link: Link, from: End): void {
    const pipe = from.out
    const to = otherEnd(link, from)
    pipe.stalled = blocked.has(`${from.host}>${to.host}`)
    if (pipe.stalled) return
    const items = takeTogether(pipe)
    // The next items follow after a random gap.
    if (pipe.items.length > 0) schedule(link, from, chance.between(0, latency.leastMs / 4))
    for (const item of items) deliver(link, to, item, pipe)
  }

  /** The items read together: one, and sometimes more data behind it. */
  function takeTogether({ items }: Pipe): readonly Item[] {
    let count = Math.min(1, items.length)
    while (items[count]?.type === 'data' && chance.happens(0.3)) count += 1
    return items.splice(0, count)
  }

  function deliver(link: Link, to: End, item: Item, pipe: Pipe): void {
    if (link.dead || down.has(to.host)) return
    if (item.type === 'dial') return otherEnd(link, to).call?.()
    if (to.process === null || to.closed) {
      if (item.type === 'data') send(link, to, { type: 'reset', reason: 'read ECONNRESET' })
      if (item.type === 'reset') to.closed = true
      return
    }
    to.process.reach(() => {
      if (to.closed) return
      if (item.type === 'data') {
        pipe.queuedBytes -= item.bytes.length
        to.receivedBytes += item.bytes.length
        to.handlers!.onData(item.bytes)
        if (item.onSent !== null) otherEnd(link, to).process?.reach(item.onSent)
      } else if (item.type === 'open') to.handlers!.onOpen()
      else if (item.type === 'end') to.handlers!.onEnd()
      else if (item.type === 'reset') {
        to.closed = true
        to.handlers!.onReset(item.reason)
      }
    })
  }

  function cut(link: Link, told: readonly [boolean, boolean]): void {
    for (const [index, end] of link.ends.entries()) {
      const from = otherEnd(link, end)
      loseTail(from.out, chance)
      from.out.broken = true
      if (told[index]) send(link, from, { type: 'reset', reason: 'read ECONNRESET' })
    }
    link.dead = !told[0] && !told[1]
  }

  return {
    listen,
    dial,
    connections: () =>
      links
        .filter(({ ends, dead }) => !dead && ends.every(end => !end.closed && end.process?.isAlive() === true))
        .map(link => ({
          hosts: [link.ends[0].host, link.ends[1].host] as const,
          cut: told => cut(link, told),
        })),
    block: (from, to) => void blocked.add(`${from}>${to}`),
    unblock: (from, to) => {
      blocked.delete(`${from}>${to}`)
      for (const link of links) {
        for (const end of link.ends) {
          if (end.host !== from || otherEnd(link, end).host !== to || !end.out.stalled) continue
          end.out.stalled = false
          schedule(link, end, chance.between(latency.leastMs, latency.mostMs))
        }
      }
    },
    slowDown: (host, byMs) => void slow.set(host, byMs),
    slowPath: (a, b, byMs) => void slow.set(pathBetween(a, b), byMs),
    boot: host => void down.delete(host),
    mostQueuedBytes: () => mostQueuedBytes,
  }
}

function newEnd(host: string, process: SimulatedProcess | null, handlers: SocketHandlers | null): End {
  return { host, process, handlers, out: newPipe(), receivedBytes: 0, closed: false, call: null }
}

function pathBetween(a: string, b: string): string {
  return a < b ? `${a} and ${b}` : `${b} and ${a}`
}

function dataItem(bytes: Uint8Array, onSent: (() => void) | undefined, isLast: boolean): Item {
  return { type: 'data', bytes, isBorrowed: onSent !== undefined, onSent: (isLast && onSent) || null }
}

function otherEnd({ ends: [near, far] }: Link, end: End): End {
  return end === near ? far : near
}
