import type { Cancel } from '@lockstep/protocol'
import type { Chance } from './chance.ts'

/** What travels in one direction of a connection, in order: bytes in pieces, and its beginning and end. */
export type Item =
  | {
      readonly type: 'data'
      readonly bytes: Uint8Array
      /** The bytes lie in the sender's memory; the sender is told when they have arrived. */
      readonly isBorrowed: boolean
      readonly onSent: (() => void) | null
    }
  | { readonly type: 'dial' | 'open' | 'end' }
  | { readonly type: 'reset'; readonly reason: string }

/** One direction of a connection. */
export type Pipe = {
  readonly items: Item[]
  lastArrivalMs: number
  queuedBytes: number
  /** The first item has arrived at a blocked path, and waits. */
  stalled: boolean
  /** Something sent has been lost, so nothing but the end may follow. */
  broken: boolean
  cancel: Cancel | null
}

export function newPipe(): Pipe {
  return { items: [], lastArrivalMs: 0, queuedBytes: 0, stalled: false, broken: false, cancel: null }
}

/** Loses a part of what is in transit, from the middle of a piece on. */
export function loseTail(pipe: Pipe, chance: Chance): void {
  const kept = chance.whole(0, pipe.items.length)
  const [first] = pipe.items.splice(kept)
  if (first?.type !== 'data') return
  const part = first.bytes.subarray(0, chance.whole(0, first.bytes.length - 1))
  if (part.length > 0) pipe.items.push({ ...first, bytes: part, onSent: null })
  if (pipe.items.length === 0) pipe.cancel?.()
}

/**
 * Copies borrowed bytes in transit: the sender has closed the connection, so they now belong to the kernel, whatever
 * happens to the sender's memory.
 */
export function keepOwnCopies(pipe: Pipe): void {
  for (const [at, item] of pipe.items.entries()) {
    if (item.type !== 'data' || !item.isBorrowed) continue
    pipe.items[at] = { ...item, bytes: item.bytes.slice(), isBorrowed: false, onSent: null }
  }
}
