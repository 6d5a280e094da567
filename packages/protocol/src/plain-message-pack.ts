import { Unpackr } from 'msgpackr'

// https://github.com/msgpack/msgpack/blob/master/spec.md

/** How deep arrays and maps may be nested. */
const maxDepth = 64

/** How many bytes follow the first byte of nil, booleans and numbers. */
const scalarBytes: Readonly<Record<number, number>> = {
  ...{ 192: 0, 194: 0, 195: 0, 202: 4, 203: 8 },
  ...{ 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 },
}

/** How many bytes hold the length of strings (from 0xd9 on), arrays (0xdc) and maps (0xde). */
const lengthBytes: Readonly<Record<number, number>> = { 217: 1, 218: 2, 219: 4, 220: 2, 221: 4, 222: 2, 223: 4 }

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/**
 * Unpacks the one value that the bytes hold, in time and memory proportional to the bytes. The value consists of maps
 * with string keys, arrays, strings, numbers, booleans and null. Throws for anything else: msgpackr also knows
 * extensions, such as pointers and records, by which a few bytes become a value of any size.
 */
export function unpackPlain(bytes: Uint8Array): unknown {
  requirePlain(bytes)
  return unpackr.unpack(bytes)
}

function requirePlain(bytes: Uint8Array): void {
  /**
   * The arrays and maps around the next value, outermost first. `left`: how many values are still to come, keys
   * included.
   */
  const around = [{ left: 1, isMap: false }]
  let at = 0
  for (let inner = around.at(-1); inner !== undefined; inner = around.at(-1)) {
    if (inner.left === 0) around.pop()
    else takeValue(inner)
  }
  if (at < bytes.length) throw new Error(`${bytes.length - at} bytes after the value`)

  function takeValue(inner: { left: number; readonly isMap: boolean }): void {
    const first = takeByte()
    if (inner.isMap && inner.left % 2 === 0 && !isString(first)) throw new Error('a key that is no string')
    inner.left--
    if (first < 0x80 || first >= 0xe0) return
    if (first < 0x90) open(2 * (first & 0x0f), true)
    else if (first < 0xa0) open(first & 0x0f, false)
    else if (first < 0xc0) skip(first & 0x1f)
    else if (first in scalarBytes) skip(scalarBytes[first]!)
    else if (isString(first)) skip(takeLength(first))
    else if (first >= 0xde) open(2 * takeLength(first), true)
    else if (first >= 0xdc) open(takeLength(first), false)
    else throw new Error(`a value of type 0x${first.toString(16)}`)
  }

  function open(left: number, isMap: boolean): void {
    if (around.length > maxDepth) throw new Error(`values more than ${maxDepth} deep`)
    around.push({ left, isMap })
  }

  function takeLength(first: number): number {
    let length = 0
    for (let each = 0; each < lengthBytes[first]!; each++) length = 256 * length + takeByte()
    return length
  }

  function takeByte(): number {
    skip(1)
    return bytes[at - 1]!
  }

  function skip(count: number): void {
    at += count
    if (at > bytes.length) throw new Error('its end is missing')
  }
}

function isString(first: number): boolean {
  return (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb)
}
