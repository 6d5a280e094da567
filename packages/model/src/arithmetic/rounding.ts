import { mix32 } from '@lockstep/protocol'

/**
 * The key by which the gradient of a shard is rounded at a step, or the mean of all shards where `shard` is `'mean'`: a
 * function of these alone, so that it is rounded alike whoever computes it.
 */
export function roundingKey(seed: number, step: number, shard: number | 'mean'): number {
  const part = shard === 'mean' ? 0 : shard + 1
  return mix32(mix32(mix32(seed) ^ step) ^ part)
}

/**
 * Stochastic rounding of float32 to bfloat16: 16 random bits are added to the lower half, which carries into the upper
 * half with the probability by which it falls short of the next one; see `Arithmetic`.
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
/** Of bfloat16; keeps a NaN one whose payload was in the lower half. */
const quietBit = 0x40
