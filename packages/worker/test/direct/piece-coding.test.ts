import { expect, test } from 'vitest'
import { createPieceCoding } from '../../src/direct/piece-coding.ts'

const elements = 100

test('the memory of a piece is reused once it has been sent or unpacked', () => {
  const { takeVector, giveBack, packedPlace, unpack, packMean, releaseMean } = createPieceCoding(
    { compress: 'none', seed: 5 },
    elements,
  )
  const vector = takeVector(elements)
  expect(packedPlace(vector)).toBe(vector)
  unpack(vector, vector)
  expect(packMean(vector, 0, 0)).toBe(vector)
  expect(takeVector(elements)).not.toBe(vector)
  releaseMean(vector)
  expect(takeVector(elements)).toBe(vector)
  giveBack(vector)
  expect(takeVector(elements)).toBe(vector)
})

test('with compression, the memory of packed and of unpacked elements is reused', () => {
  const coding = createPieceCoding({ compress: 'bfloat16', seed: 5 }, elements)
  const vector = coding.takeVector(elements)
  const place = coding.packedPlace(vector)
  coding.unpack(place, vector)
  expect(coding.packedPlace(vector)).toBe(place)
  const mean = coding.packMean(vector, 0, 0)
  expect(coding.takeVector(elements)).toBe(vector)
  expect(coding.packedPlace(vector)).not.toBe(mean)
  coding.releaseMean(mean)
  expect(coding.packedPlace(vector)).toBe(mean)
})
