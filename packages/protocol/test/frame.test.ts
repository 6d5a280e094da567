import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { encodeFrame, frameMagic, maxHeaderBytes, readFrameHeader, readFrameTensors } from '../src/frame.ts'
import { bytesOf, bytesPerElement, type TensorData, type Tensors, type TensorType } from '../src/tensor.ts'
import { frameOfHeader, headerBombs } from '../src/testing/header-bombs.ts'
import { cpuMs } from './support/cpu-ms.ts'
import { outcomeOf } from './support/decoding.ts'

const anyTensor: fc.Arbitrary<TensorData> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map(bytes => new Float32Array(bytes.slice(bytes.length % 4).buffer)),
)
const anyTensors: fc.Arbitrary<Tensors> = fc
  .uniqueArray(fc.tuple(fc.string({ maxLength: 12 }), anyTensor), { maxLength: 8, selector: ([name]) => name })
  .map(entries => Object.fromEntries(entries))
// msgpackr renames `__proto__`, so that a peer cannot reach a prototype.
const fieldName = fc.string().filter(name => name !== '__proto__')
const anyFields = fc.dictionary(fieldName, fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
  noNullPrototype: true,
})

const read = (frame: Uint8Array) => {
  const layout = readFrameHeader(frame)
  return { fields: layout.fields, entries: layout.tensors, tensors: readFrameTensors(frame, layout) }
}

/** A frame with this header and `bodyBytes` zero bytes after it. */
function frameWithHeader(header: Uint8Array, bodyBytes = 0): Uint8Array {
  const frame = new Uint8Array(Math.ceil((8 + header.length) / 8) * 8 + bodyBytes)
  new DataView(frame.buffer).setUint32(0, frameMagic, true)
  new DataView(frame.buffer).setUint32(4, header.length, true)
  frame.set(header, 8)
  return frame
}

const pack = (value: unknown) => new Packr({ useRecords: false }).pack(value)
const text = (characters: string) => [...Buffer.from(characters, 'latin1')]

describe('a frame', () => {
  test('is laid out as documented, byte for byte', () => {
    const frame = encodeFrame({ type: 'x' }, { a: Uint8Array.of(1, 2, 3), b: Float32Array.of(1) })
    // The header has 1 + 7 + (1 + 5 + 2) + 8 + 1 + (1 + 2 + 6 + 1) + (1 + 2 + 8 + 1) = 47 bytes, so that the first
    // tensor starts at align8(8 + 47) = 56 and the second at align8(56 + 3) = 64. The float32 1 is 0x3f800000.
    const header = [
      ...[0x82, 0xa6, ...text('fields'), 0x81, 0xa4, ...text('type'), 0xa1, ...text('x')],
      ...[0xa7, ...text('tensors'), 0x92],
      ...[0x93, 0xa1, ...text('a'), 0xa5, ...text('uint8'), 3],
      ...[0x93, 0xa1, ...text('b'), 0xa7, ...text('float32'), 1],
    ]
    const body = [0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f]
    expect([...frame]).toEqual([...text('LKS1'), 47, 0, 0, 0, ...header, ...body])
  })

  test('returns any fields and tensors bit for bit', () => {
    fc.assert(
      fc.property(anyFields, anyTensors, (fields, tensors) => {
        const received = read(encodeFrame(fields, tensors))
        expect(received.fields).toEqual(fields)
        expect(Object.keys(received.tensors)).toEqual(Object.keys(tensors))
        for (const [name, tensor] of Object.entries(tensors)) {
          expect(received.tensors[name]!.constructor).toBe(tensor.constructor)
          expect(Buffer.compare(bytesOf(received.tensors[name]!), bytesOf(tensor))).toBe(0)
        }
      }),
    )
  })

  test('gives its tensors as views of the received bytes, without a copy', () => {
    const frame = encodeFrame({ type: 'x' }, { odd: new Uint8Array(3), weights: Float32Array.of(1, 2) })
    const { weights } = read(frame).tensors
    expect(weights!.buffer).toBe(frame.buffer)
  })

  test('can be read at any offset of a larger buffer', () => {
    const frame = encodeFrame({ type: 'x' }, { weights: Float32Array.of(1, 2) })
    for (let offset = 0; offset < 8; offset++) {
      const larger = new Uint8Array(frame.length + 8)
      larger.set(frame, offset)
      const { tensors } = read(larger.subarray(offset, offset + frame.length))
      expect([...tensors.weights!]).toEqual([1, 2])
    }
  })
})

describe('reading damaged bytes', () => {
  test('with one byte changed fails as a malformed frame or yields tensors of the stated sizes', () => {
    fc.assert(
      fc.property(anyFields, anyTensors, fc.nat(), fc.integer({ min: 1, max: 255 }), (fields, tensors, place, flip) => {
        const frame = encodeFrame(fields, tensors)
        frame[place % frame.length]! ^= flip
        expectWholeOrMalformed(frame)
      }),
      { numRuns: 1000 },
    )
  })

  test('that are cut short or continued never yields tensors', () => {
    fc.assert(
      fc.property(anyFields, anyTensors, fc.nat(), fc.uint8Array({ minLength: 1 }), (fields, tensors, cut, more) => {
        const frame = encodeFrame(fields, tensors)
        expect(outcomeOf(() => read(frame.subarray(0, cut % frame.length)))).toEqual({ code: 'frame-malformed' })
        expect(outcomeOf(() => read(Buffer.concat([frame, more])))).toEqual({ code: 'frame-malformed' })
      }),
    )
  })

  test('that are random fails as a malformed frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, withPrefix) => {
        expectWholeOrMalformed(withPrefix ? frameWithHeader(bytes) : bytes)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['an array', [1, 2]],
    ['null', null],
    ['text', 'fields tensors'],
    ['a map without tensors', { fields: {} }],
    ['tensors that are not a list', { fields: {}, tensors: { length: 0 } }],
    ['nine tensors', { fields: {}, tensors: Array.from({ length: 9 }, (_, i) => [`${i}`, 'uint8', 0]) }],
    ['a tensor without a size', { fields: {}, tensors: [['a', 'uint8']] }],
    ['a tensor of another type', { fields: {}, tensors: [['a', 'float64', 1]] }],
    ['a tensor of negative size', { fields: {}, tensors: [['a', 'uint8', -1]] }],
    ['a tensor of fractional size', { fields: {}, tensors: [['a', 'uint8', 0.5]] }],
    ['a tensor with a number as its name', { fields: {}, tensors: [[1, 'uint8', 0]] }],
  ])('whose header is %s fails as a malformed frame', (_, header) => {
    expect(outcomeOf(() => read(frameWithHeader(pack(header))))).toEqual({ code: 'frame-malformed' })
  })

  test('whose header is nested too deeply fails as a malformed frame', () => {
    const nested = new Uint8Array(maxHeaderBytes).fill(0x91)
    expect(outcomeOf(() => read(frameWithHeader(nested)))).toEqual({ code: 'frame-malformed' })
    expect(read(encodeFrame({ type: 'next' })).fields).toEqual({ type: 'next' })
  })

  test.each(Object.entries(headerBombs))('whose header is %s fails within 500 ms', (_, header) => {
    const frame = frameOfHeader(header)
    expect(cpuMs(() => expect(outcomeOf(() => read(frame))).toEqual({ code: 'frame-malformed' }))).toBeLessThan(500)
  })

  test('whose header is complete but longer than allowed fails', () => {
    const frame = encodeFrame({ filler: 'x'.repeat(maxHeaderBytes) })
    expect(outcomeOf(() => read(frame))).toEqual({ code: 'frame-malformed' })
  })

  test('that claim 2^40 elements, or a list of 2^32 tensors, fails before memory is allocated', () => {
    const claims = [
      pack({ fields: {}, tensors: [['weights', 'float32', 2 ** 40]] }),
      pack({ fields: {}, tensors: [['weights', 'uint8', Number.MAX_VALUE]] }),
      Uint8Array.of(0x82, 0xa6, ...text('fields'), 0xc0, 0xa7, ...text('tensors'), 0xdd, 0xff, 0xff, 0xff, 0xff),
    ]
    const before = process.memoryUsage()
    for (const claim of claims) {
      expect(outcomeOf(() => read(frameWithHeader(claim, 64)))).toEqual({ code: 'frame-malformed' })
    }
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64 << 20)
  })
})

function expectWholeOrMalformed(frame: Uint8Array): void {
  const outcome = outcomeOf(() => read(frame))
  if ('code' in outcome) {
    expect(outcome.code).toBe('frame-malformed')
    return
  }
  const { entries, tensors } = outcome.value
  for (const [name, type, elements] of entries) {
    // Two tensors with the same name are not a valid message. Here each must have the size of one of its entries.
    const stated = entries
      .filter(entry => entry[0] === name)
      .map(entry => entry[2] * bytesPerElement[entry[1] as TensorType])
    expect(stated).toContain(tensors[name]!.byteLength)
    expect(elements * bytesPerElement[type]).toBeLessThanOrEqual(frame.byteLength)
  }
}
