import { mix32 } from '@lockstep/protocol'

/**
 * The key for rounding the gradient of a shard at a step, or the mean of all shards if `shard` is `'mean'`. It depends
 * on nothing else, so the rounding is the same on every worker.
 */
export function roundingKey(seed: number, step: number, shard: number | 'mean'): number {
  const part = shard === 'mean' ? 0 : shard + 1
  return mix32(mix32(mix32(seed) ^ step) ^ part)
}

/**
 * Rounds float32 stochastically to bfloat16; see `Arithmetic`. It adds 16 random bits to the lower half. The sum
 * carries into the upper half with probability (lower half) / 2¹⁶, which makes the result right on average.
 */
export function roundToBfloat16(source: Float32Array, target: Uint16Array, key: number, firstIndex = 0): void {
  const bits = new Int32Array(source.buffer, source.byteOffset, source.length)
  for (let i = 0; i < bits.length; i++) {
    const chance = mix32((firstIndex + i) ^ key) >>> 16
    const isNumber = (bits[i]! & 0x7fffffff) <= bitsOfInfinity
    target[i] = isNumber ? ((bits[i]! + chance) | 0) >>> 16 : (bits[i]! >>> 16) | quietBit
  }
}

export function expandBfloat16(source: Uint16Array, target: Float32Array): void {
  const bits = new Int32Array(target.buffer, target.byteOffset, target.length)
  for (let i = 0; i < source.length; i++) bits[i] = source[i]! << 16
}

const bitsOfInfinity = 0x7f800000
/** Of bfloat16. Setting it keeps a NaN a NaN when its payload was only in the lower half. */
const quietBit = 0x40
