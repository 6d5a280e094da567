import { endianness } from 'node:os'

const hostIsLittleEndian = endianness() === 'LE'

/** The elements as little-endian IEEE 754 bytes: a view of the array on a little-endian CPU, otherwise a copy. */
export function toLittleEndianBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return hostIsLittleEndian ? bytes : Buffer.from(bytes).swap32()
}

/** Copies little-endian bytes of any alignment into a new array; the byte length must be a multiple of 4. */
export function fromLittleEndianBytes(bytes: Uint8Array): Float32Array {
  const copy = Uint8Array.from(bytes)
  if (!hostIsLittleEndian) Buffer.from(copy.buffer).swap32()
  return new Float32Array(copy.buffer)
}
