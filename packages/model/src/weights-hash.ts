import { createHash } from 'node:crypto'
import { toLittleEndianBytes } from './little-endian.ts'

/** SHA-256 in hex over the flat weights as little-endian float32 bytes. Weights with equal bits have equal hashes. */
export function weightsSha256(weights: Float32Array): string {
  return createHash('sha256').update(toLittleEndianBytes(weights)).digest('hex')
}
