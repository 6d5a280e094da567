import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../../src/codec.ts'
import { decodeSlotFrame, encodeSlotFrame, isSlotFrame } from '../../src/lane/slot-frame.ts'
import { type Message, messageSchemas } from '../../src/messages.ts'
import { outcomeOf } from '../support/decoding.ts'
import { examples, messageTypes, sizes } from '../support/messages.ts'

const runId = 'run-1'
const inSlot = {
  work: { ...examples.work, slot: 3 },
  gradient: { ...examples.gradient, slot: 3 },
  update: { ...examples.update, slot: 3 },
}
const types = ['work', 'gradient', 'update'] as const
const outcome = (frame: Uint8Array) => outcomeOf(() => decodeSlotFrame(frame, runId, sizes))
const invalid = { code: 'message-invalid' }

function bytesOf({ buffer }: Int32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer)
}

/** The frame of a message after a change to its bytes. */
function changed(message: Message, change: (view: DataView) => void): Uint8Array {
  const frame = encodeSlotFrame(message)!
  change(new DataView(frame.buffer))
  return frame
}

describe('a message of a step in a slot', () => {
  const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
  const place = { runId: fc.constant(runId), step: uint32, slot: uint32 }
  const shard = { ...place, shard: uint32, count: fc.integer({ min: 1, max: sizes.maxSamples }) }
  const ms = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })
  const times = fc.tuple(ms, fc.array(fc.tuple(fc.nat(5), ms), { maxLength: 32 })).map(parts => parts.flat(2))

  test.each<[(typeof types)[number], fc.Arbitrary<Message>]>([
    ['work', fc.record({ type: fc.constant('work'), ...shard })],
    ['gradient', fc.record({ type: fc.constant('gradient'), ...shard, lossSum: fc.double(), correct: uint32, times })],
    ['update', fc.record({ type: fc.constant('update'), ...place, learningRate: ms })],
  ])('arrives as it was sent: %s', (_, messages) => {
    fc.assert(
      fc.property(messages, message => {
        expect(decodeSlotFrame(encodeSlotFrame(message)!, runId, sizes)).toEqual(message)
      }),
    )
  })

  test('is read from the middle of a larger buffer', () => {
    const buffer = new Uint8Array(1000)
    const frame = encodeSlotFrame(inSlot.gradient)!
    buffer.set(frame, 3)
    expect(outcome(buffer.subarray(3, 3 + frame.length))).toEqual({ value: inSlot.gradient })
  })

  test('is told from a frame in the general form, and from one too short to be either', () => {
    for (const type of types) {
      expect(isSlotFrame(encodeSlotFrame(inSlot[type])!)).toBe(true)
      expect(isSlotFrame(encodeMessage(inSlot[type]))).toBe(false)
    }
    expect(isSlotFrame(encodeSlotFrame(inSlot.work)!.subarray(0, 39))).toBe(false)
  })
})

describe('a message needs the general form', () => {
  test.each(messageTypes)('of type %s, if its tensors are in the frame or it has none', type => {
    expect(encodeSlotFrame(examples[type])).toBeNull()
  })

  test.each<[string, Message]>([
    ['an evaluation', { ...examples.evaluate, slot: 3 }],
    ['work of a group', { ...inSlot.work, group: { id: 1, total: 6, learningRate: 0.1 } }],
    ['a step of 2^32', { ...inSlot.update, step: 2 ** 32 }],
    ['a shard of 2^32', { ...inSlot.work, shard: 2 ** 32 }],
    ['a slot of 2^32', { ...inSlot.gradient, slot: 2 ** 32 }],
    ['2^32 correct answers', { ...inSlot.gradient, correct: 2 ** 32 }],
  ])('for %s', (_, message) => {
    expect(encodeSlotFrame(message)).toBeNull()
  })
})

describe('a frame is refused', () => {
  test('unless what it says fits the schema of its message', () => {
    const magic = encodeSlotFrame(inSlot.work)!.subarray(0, 4)
    const words = fc.tuple(fc.nat(4), fc.integer(), fc.integer(), fc.integer(), fc.nat(5), fc.integer(), fc.nat(1))
    const numbers = fc.array(fc.oneof(fc.nat(6), fc.double()), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(words, numbers, (integers, doubles) => {
        const parts = [magic, bytesOf(Int32Array.from(integers)), bytesOf(Float64Array.from(doubles))]
        const result = outcome(Buffer.concat(parts))
        if ('value' in result) expect(messageSchemas[result.value.type].parse(result.value)).toEqual(result.value)
        else expect(result).toEqual(invalid)
      }),
      { numRuns: 1000 },
    )
  })

  test.each<[string, Uint8Array]>([
    ['no samples', changed(inSlot.work, view => view.setUint32(20, 0, true))],
    ['more samples than a message may have', changed(inSlot.work, view => view.setUint32(20, 5, true))],
    ['an unknown kind', changed(inSlot.work, view => view.setUint32(4, 4, true))],
    ['work with times', changed(inSlot.gradient, view => view.setUint32(4, 1, true))],
    ['an update with times', changed(inSlot.gradient, view => view.setUint32(4, 3, true))],
    ['a gradient without times', changed(inSlot.work, view => view.setUint32(4, 2, true))],
    ['times of an unknown phase', changed(inSlot.gradient, view => view.setFloat64(48, 6, true))],
    ['a learning rate that is not finite', changed(inSlot.update, view => view.setFloat64(32, Number.NaN, true))],
  ])('with %s', (_, frame) => {
    expect(outcome(frame)).toEqual(invalid)
  })

  test('with a part of a time', () => {
    const frame = encodeSlotFrame(inSlot.gradient)!
    expect(outcome(frame.subarray(0, frame.length - 1))).toEqual({ code: 'frame-malformed' })
  })
})
