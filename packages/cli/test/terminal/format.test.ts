import { describe, expect, it } from 'vitest'
import { formatAmount, formatCount, formatDuration, formatNumber, formatPercent } from '../../src/terminal/format.ts'

describe('formatting durations', () => {
  it.each([
    [0, '0 s'],
    [0.44, '0.4 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [42.4, '42 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.7, '1 h 00 min'],
    [3780, '1 h 03 min'],
    [86_399, '1 d 00 h'],
    [187_200, '2 d 04 h'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })

  it('writes a dash for an unknown duration', () => {
    expect([null, undefined, Number.NaN, Number.POSITIVE_INFINITY].map(formatDuration)).toEqual(['–', '–', '–', '–'])
  })
})

describe('formatting amounts', () => {
  it('uses singular and plural', () => {
    expect([0, 1, 2400].map(count => formatAmount(count, 'step'))).toEqual(['0 steps', '1 step', '2,400 steps'])
  })

  it('separates thousands', () => {
    expect(formatCount(258_762)).toBe('258,762')
  })

  it('writes numbers and fractions with fixed decimals, and a dash for null', () => {
    expect([formatNumber(0.8659), formatNumber(0.5, 2), formatNumber(null)]).toEqual(['0.8659', '0.50', '–'])
    expect([formatPercent(0.6948), formatPercent(1, 0), formatPercent(null)]).toEqual(['69.5 %', '100 %', '–'])
  })
})
