// Random numbers from a seed.

/** mulberry32: 32 bits of state, which is enough for random choices. */
export function createRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = count => Math.floor(next() * count)
  return {
    /** In [0, 1). */
    next,
    below,
    between: (low, high) => low + (high - low) * next(),
    pick: list => list[below(list.length)],
    shuffle: list => {
      const shuffled = [...list]
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = below(last + 1)
        const kept = shuffled[last]
        shuffled[last] = shuffled[other]
        shuffled[other] = kept
      }
      return shuffled
    },
  }
}
