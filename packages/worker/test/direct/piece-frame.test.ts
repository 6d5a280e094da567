import { expect, test } from 'vitest'
import { decodePieceHeader, encodePieceHeader, type PieceHeader } from '../../src/direct/piece-frame.ts'

const header: PieceHeader = {
  kind: 'part',
  step: 5_000_000_000,
  piece: 3,
  shard: 2,
  count: 12,
  total: 50,
  correct: 7,
  lossSum: 0.1,
  learningRate: 0.001,
  payloadBytes: 65_536,
}

test('a piece header is read as it was written, whatever follows it', () => {
  const frame = Buffer.concat([Buffer.from('xyz'), encodePieceHeader(header), Buffer.from('elements')]).subarray(3)
  expect(decodePieceHeader(frame)).toEqual(header)
  expect(decodePieceHeader(encodePieceHeader({ ...header, kind: 'mean', lossSum: Number.NaN }))).toEqual({
    ...header,
    kind: 'mean',
    lossSum: Number.NaN,
  })
})

test.each([
  ['too short', encodePieceHeader(header).subarray(0, 55)],
  ['of another magic', new Uint8Array(56)],
  ['of a batch smaller than its shard', encodePieceHeader({ ...header, total: 11 })],
  ['of more correct samples than there are', encodePieceHeader({ ...header, correct: 13 })],
  ['of no samples', encodePieceHeader({ ...header, count: 0 })],
  ['of a fractional step', encodePieceHeader({ ...header, step: 0.5 })],
  ['without a learning rate', encodePieceHeader({ ...header, learningRate: Number.NaN })],
])('a header %s is malformed', (_, frame) => {
  expect(() => decodePieceHeader(frame)).toThrowError(expect.objectContaining({ code: 'frame-malformed' }))
})
