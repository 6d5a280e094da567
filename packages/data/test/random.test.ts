import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom } from '../src/random.ts'

const draws = (seed: number, stream: number, count: number) => {
  const random = createRandom(seed, stream)
  return Array.from({ length: count }, () => random.nextUint32())
}

// From the reference programs splitmix64.c and xoshiro128starstar.c (https://prng.di.unimi.it), compiled with gcc. The
// state of the second is two outputs of the first after x = seed << 32 | stream, low words first.
test('the generator draws the numbers of the reference implementation', () => {
  expect(draws(0, 0, 5)).toEqual([3737715805, 2584255861, 2876756834, 3286328325, 1553311962])
  expect(draws(7, 3, 5)).toEqual([3919075384, 560270288, 1675916494, 2959689308, 1645605659])
})

test('the draws depend on the highest bits of seed and stream, and on which is which', () => {
  expect(draws(0xffffffff, 0, 2)).not.toEqual(draws(0x7fffffff, 0, 2))
  expect(draws(0, 0xffffffff, 2)).not.toEqual(draws(0, 0x7fffffff, 2))
  expect(draws(1, 0, 2)).not.toEqual(draws(0, 1, 2))
})

test('bounded draws stay below any bound', () => {
  assert(
    property(integer({ min: 1, max: 2 ** 32 }), integer({ min: 0, max: 1000 }), (bound, stream) => {
      const drawn = createRandom(1, stream).below(bound)
      return Number.isInteger(drawn) && drawn >= 0 && drawn < bound
    }),
  )
})

test('bounded draws are uniform for a bound that is not a power of two', () => {
  const random = createRandom(5, 0)
  const counts = new Array(6).fill(0)
  for (let draw = 0; draw < 60_000; draw++) counts[random.below(6)]++
  // 10,000 expected in each; the standard deviation is sqrt(60,000 · 1/6 · 5/6) = 91, so 5 of them are 456.
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(456)
})
