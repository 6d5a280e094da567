import type { Cancel } from '@lockstep/protocol'
import type { Chance } from './chance.ts'

/** What travels one way over a connection, in order: bytes as they were cut on the way, and how it begins and ends. */
export type Item =
  | {
      readonly type: 'data'
      readonly bytes: Uint8Array
      /** They lie in memory of the sender, which is told when they have arrived. */
      readonly isBorrowed: boolean
      readonly onSent: (() => void) | null
    }
  | { readonly type: 'dial' | 'open' | 'end' }
  | { readonly type: 'reset'; readonly reason: string }

/** One way of a connection. */
export type Pipe = {
  readonly items: Item[]
  lastArrivalMs: number
  queuedBytes: number
  /** A head that has arrived at a blocked path, and waits. */
  stalled: boolean
  /** Something that was sent has been lost: nothing may follow but the end. */
  broken: boolean
  cancel: Cancel | null
}

export function newPipe(): Pipe {
  return { items: [], lastArrivalMs: 0, queuedBytes: 0, stalled: false, broken: false, cancel: null }
}

/** Something of what is still on its way does not arrive, from the middle of a piece on. */
export function loseTail(pipe: Pipe, chance: Chance): void {
  const kept = chance.whole(0, pipe.items.length)
  const [first] = pipe.items.splice(kept)
  if (first?.type !== 'data') return
  const part = first.bytes.subarray(0, chance.whole(0, first.bytes.length - 1))
  if (part.length > 0) pipe.items.push({ ...first, bytes: part, onSent: null })
  if (pipe.items.length === 0) pipe.cancel?.()
}

/** The sender is done with the connection: what is still on its way is the kernel's, whatever becomes of its memory. */
export function keepOwnCopies(pipe: Pipe): void {
  for (const [at, item] of pipe.items.entries()) {
    if (item.type !== 'data' || !item.isBorrowed) continue
    pipe.items[at] = { ...item, bytes: item.bytes.slice(), isBorrowed: false, onSent: null }
  }
}
