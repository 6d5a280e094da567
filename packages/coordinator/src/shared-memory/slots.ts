/**
 * Tracks which slots of a file are taken, by which key and for which step. The lowest free slot is taken first, since
 * it is likely still in the caches.
 */
export type Slots<Key> = {
  /** Frees the key's earlier slot first. Null when all slots are taken. */
  readonly take: (key: Key, step: number) => number | null
  readonly find: (key: Key) => number | null
  readonly release: (key: Key) => void
  /** Frees the slots of steps before this one. */
  readonly releaseBefore: (step: number) => void
}

export function createSlots<Key>(count: number): Slots<Key> {
  const taken = new Map<Key, { readonly slot: number; readonly step: number }>()
  const free = Array.from({ length: count }, (_, slot) => slot)

  function release(key: Key): void {
    const entry = taken.get(key)
    if (entry === undefined) return
    taken.delete(key)
    const at = free.findIndex(slot => slot > entry.slot)
    free.splice(at < 0 ? free.length : at, 0, entry.slot)
  }

  return {
    take: (key, step) => {
      release(key)
      const slot = free.shift()
      if (slot === undefined) return null
      taken.set(key, { slot, step })
      return slot
    },
    find: key => taken.get(key)?.slot ?? null,
    release,
    releaseBefore: step => {
      for (const [key, entry] of taken) if (entry.step < step) release(key)
    },
  }
}
