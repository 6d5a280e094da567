import { expect, it } from 'vitest'
import { createRateMeter } from '../../src/terminal/rate-meter.ts'

it('a rate meter has no speed before two samples', () => {
  const rate = createRateMeter()
  rate.add(0, 500)
  expect(rate.perSecond()).toBeUndefined()
})

it('a rate meter does not count the amount of its first sample, such as the existing part of a resumed download', () => {
  const rate = createRateMeter()
  rate.add(0, 1000)
  rate.add(2000, 1600)
  // 600 in 2 s
  expect(rate.perSecond()).toBe(300)
})

it('a rate meter forgets samples before its window', () => {
  const rate = createRateMeter(10_000)
  for (let second = 0; second <= 10; second++) rate.add(second * 1000, second * 10)
  for (let second = 11; second <= 30; second++) rate.add(second * 1000, 100 + (second - 10) * 50)
  expect(rate.perSecond()).toBe(50)
})

it('a rate meter covers its whole window, even if samples are far apart', () => {
  const rate = createRateMeter(10_000)
  rate.add(0, 0)
  rate.add(6000, 60)
  rate.add(12_000, 600)
  // The samples of the last 6 s do not cover the window: 600 in 12 s.
  expect(rate.perSecond()).toBe(50)
  rate.add(16_000, 1060)
  // 1060 − 60 in the 10 s from 6 to 16.
  expect(rate.perSecond()).toBe(100)
})

it('a rate meter starts again when the work starts over', () => {
  const rate = createRateMeter()
  rate.add(0, 0)
  rate.add(1000, 1_000_000)
  rate.add(2000, 0)
  rate.add(3000, 7)
  expect(rate.perSecond()).toBe(7)
})
