/** A stream of pseudo-random integers. Every draw advances it. */
export type RandomSource = {
  /** Uniform over 0 … 2³² − 1. */
  readonly nextUint32: () => number
  /** Uniform over 0 … bound − 1, without bias, for 1 ≤ bound ≤ 2³². */
  readonly below: (bound: number) => number
}

/**
 * Creates the generator xoshiro128** 1.1 (Blackman and Vigna, https://prng.di.unimi.it/xoshiro128starstar.c).
 * SplitMix64 fills its 128 bits of state from the 64-bit number `seed · 2³² + stream`, as its authors recommend. It
 * uses integer arithmetic only, so the stream is the same on every machine. Seed and stream are unsigned 32-bit
 * integers.
 */
export function createRandom(seed: number, stream: number): RandomSource {
  // A typed array, because V8 boxes 32-bit numbers in closure variables.
  const state = splitMix64Words((BigInt(seed) << 32n) | BigInt(stream))

  function nextUint32(): number {
    const s1 = state[1]!
    const product = Math.imul(s1, 5)
    const s2 = state[2]! ^ state[0]!
    const s3 = state[3]! ^ s1
    state[1] = s1 ^ s2
    state[0] = state[0]! ^ s3
    state[2] = s2 ^ (s1 << 9)
    state[3] = (s3 << 11) | (s3 >>> 21)
    return Math.imul((product << 7) | (product >>> 25), 9) >>> 0
  }

  // Takes as many high bits as the bound needs and draws again while they are not below it, which avoids bias.
  function below(bound: number): number {
    if (bound <= 1) return 0
    const unusedBits = Math.clz32(bound - 1)
    let draw = nextUint32() >>> unusedBits
    while (draw >= bound) draw = nextUint32() >>> unusedBits
    return draw
  }

  return { nextUint32, below }
}

const mask64 = 0xffff_ffff_ffff_ffffn

/** The first two outputs of SplitMix64 (https://prng.di.unimi.it/splitmix64.c) as four words, low word first. */
function splitMix64Words(start: bigint): Int32Array {
  const first = mix64((start + 0x9e3779b97f4a7c15n) & mask64)
  const second = mix64((start + 2n * 0x9e3779b97f4a7c15n) & mask64)
  return Int32Array.of(lowWord(first), lowWord(first >> 32n), lowWord(second), lowWord(second >> 32n))
}

function mix64(state: bigint): bigint {
  let z = state
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64
  return z ^ (z >> 31n)
}

function lowWord(value: bigint): number {
  return Number(value & 0xffff_ffffn) | 0
}
