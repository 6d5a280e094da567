import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../src/codec.ts'
import { encodeFrame } from '../src/frame.ts'
import type { Message, Sizes } from '../src/messages.ts'
import type { Tensors } from '../src/tensor.ts'
import { outcomeOf } from './support/decoding.ts'
import { examples, exampleTensors, messageTypes, sizes } from './support/messages.ts'

const outcome = (frame: Uint8Array, known: Sizes | null = sizes) => outcomeOf(() => decodeMessage(frame, known))
const outcomeWith = (message: Message, tensors: Tensors) => outcome(encodeMessage(message, tensors))
const invalid = { code: 'message-invalid' }

describe('a message', () => {
  test.each(messageTypes)('of type %s arrives as it was sent', type => {
    const tensors = exampleTensors[type] ?? {}
    expect(decodeMessage(encodeMessage(examples[type], tensors), sizes)).toEqual({ message: examples[type], tensors })
  })

  test('keeps counters up to 2^53 - 1 and losses that are NaN', () => {
    const message = { ...examples.gradient, step: Number.MAX_SAFE_INTEGER, lossSum: Number.NaN }
    expect(decodeMessage(encodeMessage(message, exampleTensors.gradient), sizes).message).toEqual(message)
  })

  test('has tensors with their own memory, even if it arrived in a shared buffer', () => {
    const frame = encodeMessage(examples.work, exampleTensors.work)
    const shared = new Uint8Array(64 * 1024)
    shared.set(frame, 24)
    const { tensors } = decodeMessage(shared.subarray(24, 24 + frame.length), sizes)
    expect(tensors.pixels!.buffer.byteLength).toBe(frame.length)
    expect(tensors.labels!.buffer).toBe(tensors.pixels!.buffer)
  })
})

describe('a message whose tensors are in shared memory', () => {
  const inSlot = { ...examples.work, slot: 3 }

  test.each(['work', 'gradient', 'update', 'evaluate'] as const)('carries no tensors: %s', type => {
    const message = { ...examples[type], slot: 0 }
    expect(decodeMessage(encodeMessage(message), sizes)).toEqual({ message, tensors: {} })
    expect(outcomeWith(message, exampleTensors[type]!)).toEqual(invalid)
  })

  test('is checked like any other', () => {
    expect(outcome(encodeMessage(inSlot), null)).toEqual(invalid)
    expect(outcomeWith({ ...inSlot, count: sizes.maxSamples + 1 }, {})).toEqual(invalid)
    for (const slot of [-1, 0.5, '0']) expect(outcome(encodeFrame({ ...inSlot, slot }))).toEqual(invalid)
  })

  test('must name its slot: with null it needs its tensors, and without the field it is refused', () => {
    expect(outcomeWith({ ...inSlot, slot: null }, {})).toEqual(invalid)
    const { slot, ...silent } = inSlot
    expect(slot).toBe(3)
    expect(outcome(encodeFrame(silent, exampleTensors.work))).toEqual(invalid)
  })
})

test('gradients of a compressed run are accepted as bfloat16 only', () => {
  const compressed: Sizes = { ...sizes, gradientType: 'bfloat16' }
  const gradient = Uint16Array.of(0x3f80, 0xbf80, 0, 0x8000, 0x7f80, 0x7fc0, 1)
  const frame = encodeMessage(examples.gradient, { gradient })
  expect(decodeMessage(frame, compressed).tensors).toEqual({ gradient })
  expect(outcome(frame)).toEqual(invalid)
  expect(outcome(encodeMessage(examples.gradient, exampleTensors.gradient), compressed)).toEqual(invalid)
})

describe('text from a peer that is shown to the user', () => {
  // An escape sequence for a colour, a newline, a right-to-left override and a line separator.
  const forged = '\x1b[31mred\nepoch 99/99\u202e\u2028'
  const shown = ' [31mred epoch 99/99  '

  test.each([
    ['hello', ['name', 'host', 'device']],
    ['welcome', ['runId']],
    ['ready', ['backend']],
    ['bye', ['reason']],
    ['unlinked', ['reason']],
  ] as const)('has no control or format characters after decoding a %s message', (type, fields) => {
    const changes = (text: string) => Object.fromEntries(fields.map(field => [field, text]))
    const { message } = decodeMessage(encodeMessage({ ...examples[type], ...changes(forged) } as Message), null)
    expect(message).toEqual({ ...examples[type], ...changes(shown) })
  })

  test('is otherwise unchanged', () => {
    const hello = { ...examples.hello, name: 'Zoë’s 電腦 🖥' }
    expect(decodeMessage(encodeMessage(hello), null).message).toEqual(hello)
  })

  test.each([
    ['an unknown type', { type: forged }],
    ['an additional field', { ...examples.bye, [forged]: 1 }],
  ])('has none in the refusal of %s either', (_, fields) => {
    const read = () => decodeMessage(encodeFrame(fields), null)
    expect(read).toThrow(expect.objectContaining({ received: expect.stringContaining(shown) }))
  })
})

describe('a message is refused', () => {
  test.each([
    ['a list', []],
    ['null', null],
    ['without a type', { step: 1 }],
    ['of a type that is a number', { type: 1 }],
    ['of a type that cannot be printed', { type: { toString: 1, valueOf: 1 } }],
    ['of a type that is a property of every object', { type: 'constructor' }],
    ['of a step in 64 bits', { ...examples.heartbeat, step: 2n ** 60n }],
    ['of an unknown type', { type: 'x'.repeat(50_000) }],
  ])('when its fields are %s', (_, fields) => {
    expect(outcome(encodeFrame(fields as Record<string, unknown>))).toEqual(invalid)
  })

  test('with an unknown type cut to 64 characters', () => {
    const read = () => decodeMessage(encodeFrame({ type: 'x'.repeat(1000) }), sizes)
    expect(read).toThrow(expect.objectContaining({ received: 'x'.repeat(64) }))
  })

  test('when a field does not fit its schema, with the name of the field', () => {
    const read = () => decodeMessage(encodeMessage({ ...examples.update, step: -1 }, exampleTensors.update), sizes)
    expect(read).toThrow(
      expect.objectContaining({ code: 'message-invalid', received: expect.stringMatching(/^step: /) }),
    )
  })

  test('when tensors arrive before their sizes are known', () => {
    expect(outcome(encodeMessage(examples.gradient, exampleTensors.gradient), null)).toEqual(invalid)
    expect(outcome(encodeMessage(examples.hello), null)).toEqual({ value: { message: examples.hello, tensors: {} } })
  })

  test('when a tensor is missing, additional, renamed or out of order', () => {
    const { pixels, labels } = exampleTensors.work as { pixels: Uint8Array; labels: Uint8Array }
    const wrong: Tensors[] = [{}, { pixels }, { labels, pixels }, { pixels, labels, more: labels }]
    for (const tensors of wrong) expect(outcomeWith(examples.work, tensors)).toEqual(invalid)
    expect(outcomeWith(examples.heartbeat, { pixels })).toEqual(invalid)
  })

  test('when the name of one tensor is that of two, joined by a comma', () => {
    expect(outcomeWith(examples.work, { 'pixels,labels': new Uint8Array(39) })).toEqual(invalid)
  })

  test('when a tensor has the wrong type or size', () => {
    const wrong = [new Float32Array(4), new Float32Array(6), new Uint8Array(20)]
    for (const gradient of wrong) expect(outcomeWith(examples.gradient, { gradient })).toEqual(invalid)
  })

  test('when it claims 2^40 elements, whatever follows', () => {
    const frame = encodeFrame(examples.gradient, exampleTensors.gradient)
    const claimed = withElements(frame, 7, 2 ** 40)
    expect(outcome(claimed)).toEqual(invalid)
  })

  test('when it has more samples than any message of the run can have', () => {
    const tensors = { pixels: new Uint8Array(5 * 12), labels: new Uint8Array(5) }
    expect(outcomeWith({ ...examples.work, count: 5 }, tensors)).toEqual(invalid)
  })
})

describe('a decoder of arbitrary bytes', () => {
  const anyExample = fc.constantFrom(...messageTypes)
  const codes = ['frame-malformed', 'message-invalid']

  test('returns a whole message or refuses it if one byte is changed', () => {
    fc.assert(
      fc.property(anyExample, fc.nat(), fc.integer({ min: 1, max: 255 }), (type, place, flip) => {
        const frame = encodeMessage(examples[type], exampleTensors[type])
        frame[place % frame.length]! ^= flip
        expectWholeOrRefused(frame)
      }),
      { numRuns: 2000 },
    )
  })

  test('refuses a message that is cut short anywhere', () => {
    for (const type of messageTypes) {
      const frame = encodeMessage(examples[type], exampleTensors[type])
      for (let length = 0; length < frame.length; length++) {
        const result = outcome(frame.slice(0, length))
        expect('code' in result && codes.includes(result.code), `${type} of ${length} bytes`).toBe(true)
      }
    }
  })

  test('returns a whole message or refuses it for any fields', () => {
    const anyValue = fc.anything({ withDate: true, withMap: true, withSet: true, maxDepth: 3 })
    fc.assert(
      fc.property(anyExample, fc.dictionary(fc.string(), anyValue), fc.boolean(), (type, fields, overExample) => {
        const wrong = overExample ? { ...examples[type], ...fields } : fields
        expectWholeOrRefused(encodeFrame(wrong, exampleTensors[type]))
      }),
      { numRuns: 1000 },
    )
  })

  function expectWholeOrRefused(frame: Uint8Array): void {
    const result = outcome(frame)
    if ('code' in result) expect(codes).toContain(result.code)
    else expect(Object.keys(result.value.tensors)).toEqual(Object.keys(exampleTensors[result.value.message.type] ?? {}))
  }
})

/** The frame with one element count in its header replaced. */
function withElements(frame: Uint8Array, from: number, to: number): Uint8Array {
  const headerBytes = new DataView(frame.buffer).getUint32(4, true)
  const header = frame.slice(8, 8 + headerBytes)
  expect(header.at(-1)).toBe(from)
  // 0xcb: a float64 follows, big-endian.
  const replaced = new Uint8Array(headerBytes + 8)
  replaced.set(header)
  replaced[headerBytes - 1] = 0xcb
  new DataView(replaced.buffer).setFloat64(headerBytes, to)
  const claimed = new Uint8Array(Math.ceil((8 + replaced.length) / 8) * 8 + 20)
  claimed.set(frame.subarray(0, 8))
  new DataView(claimed.buffer).setUint32(4, replaced.length, true)
  claimed.set(replaced, 8)
  return claimed
}
