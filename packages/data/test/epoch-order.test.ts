import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { epochOrder } from '../src/epoch-order.ts'

test('every epoch contains each sample exactly once', () => {
  assert(
    property(
      integer({ min: 0, max: 2000 }),
      integer({ min: 0, max: 0xffffffff }),
      integer({ min: 0 }),
      (count, seed, epoch) => {
        const sorted = Array.from(epochOrder({ seed, epoch, count })).sort((a, b) => a - b)
        expect(sorted).toEqual(Array.from({ length: count }, (_, index) => index))
      },
    ),
  )
})

test('the order is reproducible and changes with seed and epoch', () => {
  const order = epochOrder({ seed: 3, epoch: 2, count: 1000 })
  expect(epochOrder({ seed: 3, epoch: 2, count: 1000 })).toEqual(order)
  expect(epochOrder({ seed: 4, epoch: 2, count: 1000 })).not.toEqual(order)
  expect(epochOrder({ seed: 3, epoch: 3, count: 1000 })).not.toEqual(order)
})

// Algorithm P by hand on 0 1 2 3 4 with the draws of createRandom(7, 3), each reduced to the high bits its bound needs:
// below 5: 3919075384 >>> 29 = 7, too large; 560270288 >>> 29 = 1 → swap 4 and 1: 0 4 2 3 1
// below 4: 1675916494 >>> 30 = 1 → swap 3 and 1: 0 3 2 4 1;  below 3: 2959689308 >>> 30 = 2 → stays
// below 2: 1645605659 >>> 31 = 0 → swap 1 and 0: 3 0 2 4 1
test('the order is a Fisher-Yates shuffle from the last position down', () => {
  expect(Array.from(epochOrder({ seed: 7, epoch: 3, count: 5 }))).toEqual([3, 0, 2, 4, 1])
})

test('all orders of three samples are equally likely', () => {
  const counts = new Map<string, number>()
  for (let epoch = 0; epoch < 12_000; epoch++) {
    const order = epochOrder({ seed: 9, epoch, count: 3 }).join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  expect(counts.size).toBe(6)
  // 2,000 expected in each; the standard deviation is sqrt(12,000 · 1/6 · 5/6) = 41, so 5 of them are 204.
  for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(204)
})
