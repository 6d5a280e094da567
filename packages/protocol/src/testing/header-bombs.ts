import { frameMagic } from '../frame.ts'

/**
 * Headers that msgpackr's extensions expand enormously. Each ends with an extra byte, which makes msgpackr serialise
 * the whole value for its error.
 */
export const headerBombs: Readonly<Record<string, Uint8Array>> = {
  /** 20 nested arrays, each of which holds the next one (extension 0x69) and a pointer to itself (0x70): 2^20 maps. */
  'pointers to pointers': Buffer.concat([
    ...Array.from({ length: 20 }, (_, depth) => Buffer.of(0x92, 0xd6, 0x69, 0, 0, 0, depth)),
    mapOfUndefined(100),
    ...Array.from({ length: 20 }, (_, outer) => Buffer.of(0xd6, 0x70, 0, 0, 0, 19 - outer)),
    Buffer.of(0xc0),
  ]),
  /** A record (extension 0x72) with one key of 30,000 characters, and 17,000 instances of it at two bytes each. */
  'records of a long key': Buffer.concat([
    Buffer.of(0x92, 0xd4, 0x72, 0x40, 0x91, 0xda, 30_000 >> 8, 30_000 & 0xff),
    Buffer.alloc(30_000, 1),
    Buffer.of(0xc0, 0xdc, 17_000 >> 8, 17_000 & 0xff),
    Buffer.alloc(2 * 17_000, Buffer.of(0x40, 0xc0)),
    Buffer.of(0xc0),
  ]),
}

/** A frame with this header and no tensors. */
export function frameOfHeader(header: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32LE(frameMagic, 0)
  prefix.writeUInt32LE(header.byteLength, 4)
  return Buffer.concat([prefix, header])
}

function mapOfUndefined(entries: number): Uint8Array {
  const keys = Array.from({ length: entries }, (_, index) => index.toString(36).padStart(3, 'a'))
  const each = keys.flatMap(key => [0xa3, ...Buffer.from(key), 0xd4, 0, 0])
  return Buffer.of(0xde, entries >> 8, entries & 0xff, ...each)
}
