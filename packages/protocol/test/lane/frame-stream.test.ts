import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFrameStream } from '../../src/lane/frame-stream.ts'
import { outcomeOf } from '../support/decoding.ts'

/** Frames as they are sent, each after its length. */
function streamOf(frames: readonly Uint8Array[]): Uint8Array {
  const parts = frames.flatMap(frame => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(frame.byteLength)
    return [length, frame]
  })
  return new Uint8Array(Buffer.concat(parts))
}

/** The frames from a stream that arrives in these pieces, each of which is overwritten once it has been fed. */
function framesFrom(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const frames: Uint8Array[] = []
  const feed = createFrameStream(
    () => 100,
    frame => frames.push(frame.slice()),
  )
  for (const piece of pieces) {
    const buffer = piece.slice()
    feed(buffer)
    buffer.fill(0xee)
  }
  return frames
}

const frames = [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4), Uint8Array.of(5, 6, 7, 8, 9, 10)]
const stream = streamOf(frames)
const tooLong = { code: 'frame-malformed' }

describe('a stream of frames', () => {
  test('gives each of several frames that arrive in one piece', () => {
    expect(framesFrom([stream])).toEqual(frames)
  })

  test.each(Array.from(stream.keys()))('gives the same frames when it is cut at byte %i', at => {
    expect(framesFrom([stream.subarray(0, at), stream.subarray(at)])).toEqual(frames)
  })

  test('gives the same frames when it arrives byte by byte', () => {
    expect(framesFrom([...stream].map(byte => Uint8Array.of(byte)))).toEqual(frames)
  })

  test('gives the same frames whatever they are and however it is cut', () => {
    const anyFrames = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 })
    const anyCuts = fc.array(fc.nat(140), { maxLength: 10 })
    fc.assert(
      fc.property(anyFrames, anyCuts, (sent, places) => {
        const whole = streamOf(sent)
        const cuts = [0, ...places.filter(place => place < whole.length).sort((a, b) => a - b), whole.length]
        const pieces = cuts.slice(1).map((cut, index) => whole.subarray(cuts[index], cut))
        expect(framesFrom(pieces)).toEqual(sent)
      }),
    )
  })

  test('gives a frame as soon as its last byte has arrived', () => {
    const given: number[] = []
    const feed = createFrameStream(
      () => 100,
      frame => given.push(frame.byteLength),
    )
    feed(stream.subarray(0, 6))
    expect(given).toEqual([])
    feed(stream.subarray(6, 7))
    expect(given).toEqual([3])
  })

  test('gives a view of a piece that holds a whole frame, and joins a frame that arrives in several pieces', () => {
    const given: ArrayBufferLike[] = []
    const feed = createFrameStream(
      () => 100,
      frame => given.push(frame.buffer),
    )
    const [piece, first, second] = [stream.slice(0, 7), stream.slice(0, 5), stream.slice(5, 7)]
    for (const part of [piece, first, second]) feed(part)
    expect(given[0]).toBe(piece.buffer)
    expect(given[1]!.byteLength).toBe(3)
  })
})

describe('a frame that is too long', () => {
  const longest = new Uint8Array(100).fill(1)
  const longer = streamOf([new Uint8Array(101)])

  test('has more bytes than the limit', () => {
    expect(framesFrom([streamOf([longest])])).toEqual([longest])
    expect(() => framesFrom([longer])).toThrow(
      expect.objectContaining({ code: 'frame-malformed', expected: '≤ 100 bytes', received: '101' }),
    )
  })

  test('is refused by its length alone', () => {
    // 4 GiB - 1, also when the length arrives in two pieces.
    const length = Uint8Array.of(0xff, 0xff, 0xff, 0xff)
    for (const pieces of [[length], [length.subarray(0, 3), length.subarray(3)]]) {
      expect(outcomeOf(() => framesFrom(pieces))).toEqual(tooLong)
    }
  })

  test('does not affect the frames before it', () => {
    const given: Uint8Array[] = []
    const feed = createFrameStream(
      () => 100,
      frame => given.push(frame.slice()),
    )
    expect(outcomeOf(() => feed(new Uint8Array([...stream, ...longer])))).toEqual(tooLong)
    expect(given).toEqual(frames)
  })
})
