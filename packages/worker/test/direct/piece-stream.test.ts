import { describe, expect, test } from 'vitest'
import { encodePieceHeader, type PieceHeader } from '../../src/direct/piece-frame.ts'
import { createPieceStream } from '../../src/direct/piece-stream.ts'

function piece(index: number, elements: string, kind: PieceHeader['kind'] = 'part') {
  const figures = { step: 1, piece: index, shard: 0, count: 1, total: 2, correct: 1, lossSum: 0.5, learningRate: 0.1 }
  const bytes = Buffer.from(elements)
  const header = { kind, payloadBytes: bytes.byteLength, ...figures } as const
  return Buffer.concat([encodePieceHeader(header), bytes])
}

/** The pieces that are read from a stream that arrives in chunks of `chunkBytes`. */
function read(stream: Uint8Array, chunkBytes: number, isWanted: (header: PieceHeader) => boolean = () => true) {
  const seen: string[] = []
  let place: Buffer | null = null
  let index = -1
  const feed = createPieceStream({
    begin: header => {
      index = header.piece
      place = isWanted(header) ? Buffer.alloc(header.payloadBytes) : null
      return place
    },
    end: () => seen.push(`${index}:${place === null ? 'passed over' : place.toString()}`),
  })
  for (let at = 0; at < stream.byteLength; at += chunkBytes) feed(stream.subarray(at, at + chunkBytes))
  return seen
}

describe('a stream of pieces', () => {
  const stream = Buffer.concat([piece(0, 'first'), piece(1, '', 'whole'), piece(2, 'a longer one'), piece(3, 'x')])

  test('yields the same pieces however it is cut', () => {
    const whole = ['0:first', '1:', '2:a longer one', '3:x']
    for (let chunkBytes = 1; chunkBytes <= stream.byteLength; chunkBytes++)
      expect(read(stream, chunkBytes)).toEqual(whole)
  })

  test('continues after a piece that is not wanted', () => {
    const isWanted = ({ piece }: PieceHeader) => piece !== 2
    for (const chunkBytes of [1, 7, 60, stream.byteLength]) {
      expect(read(stream, chunkBytes, isWanted)).toEqual(['0:first', '1:', '2:passed over', '3:x'])
    }
  })

  test('fails where a header is missing', () => {
    expect(() => read(Buffer.concat([piece(0, 'first'), Buffer.alloc(56)]), 13)).toThrowError(
      expect.objectContaining({ code: 'frame-malformed' }),
    )
  })
})
