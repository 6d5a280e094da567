import { endianness } from 'node:os'

const hostIsLittleEndian = endianness() === 'LE'

/** The elements as little-endian IEEE 754 bytes: a view over the array where the CPU stores them so, else a copy. */
export function toLittleEndianBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return hostIsLittleEndian ? bytes : Buffer.from(bytes).swap32()
}

/** A new array of the elements in little-endian bytes at any alignment; the byte length must be a multiple of 4. */
export function fromLittleEndianBytes(bytes: Uint8Array): Float32Array {
  const copy = Uint8Array.from(bytes)
  if (!hostIsLittleEndian) Buffer.from(copy.buffer).swap32()
  return new Float32Array(copy.buffer)
}
