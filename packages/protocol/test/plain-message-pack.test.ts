import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { unpackPlain } from '../src/plain-message-pack.ts'
import { headerBombs } from '../src/testing/header-bombs.ts'
import { cpuMs } from './support/cpu-ms.ts'

// msgpackr renames `__proto__`, so that a peer cannot reach a prototype.
const key = fc.string({ maxLength: 40 }).filter(name => name !== '__proto__')
const { plain } = fc.letrec(tie => ({
  plain: fc.oneof(
    { maxDepth: 5 },
    ...[fc.string(), fc.string({ minLength: 200, maxLength: 300, unit: 'grapheme' }), fc.boolean(), fc.constant(null)],
    ...[fc.integer(), fc.maxSafeInteger(), fc.double()],
    ...[fc.array(tie('plain'), { maxLength: 20 }), fc.dictionary(key, tie('plain'), { noNullPrototype: true })],
  ),
}))
const pack = (value: unknown) => new Packr({ useRecords: false, moreTypes: true }).pack(value)
/** Arrays nested to this depth. */
const nested = (depth: number) => new Uint8Array(depth).fill(0x91, 0, -1).fill(0x90, -1)

describe('plain MessagePack', () => {
  test('returns any plain value, in either form of maps', () => {
    fc.assert(
      fc.property(plain, fc.boolean(), (value, variableMapSize) => {
        expect(unpackPlain(new Packr({ useRecords: false, variableMapSize }).pack(value))).toEqual(value)
      }),
    )
  })

  test('is read in every format of the specification', () => {
    const forms = [
      [[0x7f], 127],
      [[0xe0], -32],
      [[0xcc, 200], 200],
      [[0xcd, 1, 0], 256],
      [[0xce, 0, 1, 0, 0], 65_536],
      [[0xd0, 0x80], -128],
      [[0xd1, 0x80, 0], -32_768],
      [[0xd2, 0x80, 0, 0, 0], -(2 ** 31)],
      [[0xcf, 0, 0, 0, 1, 0, 0, 0, 0], 2 ** 32],
      [[0xd3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], -(2 ** 32)],
      [[0xca, 0x3f, 0x80, 0, 0], 1],
      [[0xcb, 0x40, 0, 0, 0, 0, 0, 0, 0], 2],
      ...[[0xa1], [0xd9, 1], [0xda, 0, 1], [0xdb, 0, 0, 0, 1]].map(length => [[...length, 0x61], 'a'] as const),
      ...[[0x91], [0xdc, 0, 1], [0xdd, 0, 0, 0, 1]].map(length => [[...length, 0xc3], [true]] as const),
      ...[[0x81], [0xde, 0, 1], [0xdf, 0, 0, 0, 1]].map(
        length => [[...length, 0xa1, 0x61, 0xc2], { a: false }] as const,
      ),
    ] as const
    for (const [bytes, value] of forms) expect(unpackPlain(Uint8Array.from(bytes))).toEqual(value)
  })

  test('is read up to 64 levels deep', () => {
    expect(JSON.stringify(unpackPlain(nested(64)))).toBe('['.repeat(64) + ']'.repeat(64))
    expect(() => unpackPlain(nested(65))).toThrow('more than 64 deep')
  })

  test('is refused if it is cut short or followed by more bytes', () => {
    fc.assert(
      fc.property(plain, fc.nat(), fc.uint8Array({ minLength: 1 }), (value, cut, more) => {
        const bytes = pack(value)
        expect(() => unpackPlain(bytes.subarray(0, cut % bytes.length))).toThrow('its end is missing')
        expect(() => unpackPlain(Buffer.concat([bytes, more]))).toThrow(`${more.length} bytes after the value`)
      }),
    )
  })

  test.each([
    ['a date', pack(new Date(0))],
    ['a date with nanoseconds', pack(new Date(1.5))],
    ['a set', pack(new Set([1]))],
    ['an error', pack(new Error('x'))],
    ['a regular expression', pack(/x/)],
    ['a typed array', pack(new Float64Array(2))],
    ['bytes', pack(Buffer.alloc(3))],
    ['undefined', pack(undefined)],
    ['an integer of more than 64 bits', pack(2n ** 100n)],
    ['a record', new Packr({ useRecords: true }).pack({ a: 1 })],
    ['a structured clone', new Packr({ structuredClone: true }).pack(cyclic())],
    ['bundled strings', new Packr({ bundleStrings: true }).pack({ a: 'a string', b: 'another one' })],
    ['an extension of 8 bits’ length', Buffer.of(0xc7, 0, 1)],
    ['an extension of 16 bits’ length', Buffer.of(0xc8, 0, 0, 1)],
    ['an extension of 32 bits’ length', Buffer.of(0xc9, 0, 0, 0, 0, 1)],
    ['the type that the specification never uses', Buffer.of(0xc1)],
  ])('refuses %s, at the top or nested', (_, bytes) => {
    const type = `a value of type 0x${bytes[0]!.toString(16)}`
    expect(() => unpackPlain(bytes)).toThrow(type)
    expect(() => unpackPlain(Buffer.concat([Buffer.of(0x92, 0x81, 0xa1, 0x61), bytes, Buffer.of(0)]))).toThrow(type)
  })

  test('allows only strings as keys', () => {
    for (const other of [0, true, null, [], ['a'], {}]) {
      expect(() => unpackPlain(pack(new Map([[other, 1]])))).toThrow('a key that is no string')
    }
  })

  test('takes the last of several values of one key, and does not change a prototype', () => {
    const twice = Buffer.of(0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2)
    expect(unpackPlain(twice)).toEqual({ a: 2 })
    const reaching = Buffer.concat([Buffer.of(0x81, 0xa9), Buffer.from('__proto__'), Buffer.of(0x81, 0xa1, 0x61, 1)])
    expect(Object.getPrototypeOf(unpackPlain(reaching))).toBe(Object.prototype)
  })

  test('reads any bytes as msgpackr does, or refuses them', () => {
    const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), bytes => {
        const value = valueIn(() => unpackPlain(bytes))
        if (value !== undefined) expect(unpackr.unpack(bytes)).toEqual(value)
      }),
      { numRuns: 20_000 },
    )
  })
})

describe('expensive bytes', () => {
  test.each(Object.entries(headerBombs))('that are %s are refused within 500 ms', (_, bytes) => {
    expect(cpuMs(() => expect(() => unpackPlain(bytes)).toThrow('a value of type'))).toBeLessThan(500)
  })

  test.each([0xdb, 0xdd, 0xdf])('with 10,000 lengths of type %i and 2^32 - 1 are refused within 500 ms', type => {
    const bytes = Buffer.alloc(50_000, Buffer.of(type, 0xff, 0xff, 0xff, 0xff))
    expect(cpuMs(() => expect(() => unpackPlain(bytes)).toThrow())).toBeLessThan(500)
  })

  test('that are plain are read within 2 s per MiB', () => {
    const million = 1 << 20
    const emptyMaps = Buffer.concat([Buffer.of(0xdd, 0, 16, 0, 0), Buffer.alloc(million, 0x80)])
    const oneKey = Buffer.concat([Buffer.of(0xdf, 0, 8, 0, 0), Buffer.alloc(million, Buffer.of(0xa0, 0xc0))])
    for (const bytes of [emptyMaps, oneKey]) expect(cpuMs(() => unpackPlain(bytes))).toBeLessThan(2_000)
  })
})

function cyclic(): unknown[] {
  const array: unknown[] = []
  array.push(array)
  return array
}

function valueIn(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}
