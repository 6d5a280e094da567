import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createCountdown } from '../../src/worker/countdown.ts'
import { createFakeTerminal, createPlainStream } from '../terminal/fake-terminal.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const text = (left: string) => `next try in ${left}`

describe('a countdown', () => {
  test.each([
    [50, '0.1 s'],
    [180, '0.2 s'],
    [1000, '1 s'],
    [4200, '5 s'],
  ])('without a terminal is one line: %d ms', (durationMs, left) => {
    const plain = createPlainStream()
    const countdown = createCountdown(plain.stream)
    countdown.start(durationMs, text)
    countdown.stop()
    expect(plain.text()).toBe(`next try in ${left}\n`)
  })

  test('counts down in place on a terminal', () => {
    const { stream, written } = createFakeTerminal(40)
    const countdown = createCountdown(stream)
    countdown.start(2300, text)
    vi.advanceTimersByTime(2000)
    countdown.stop()
    expect(written().match(/\d s/g)).toEqual(['3 s', '2 s', '1 s'])
  })

  test('is one line on a terminal that cannot redraw', () => {
    const { stream, written } = createFakeTerminal(40)
    vi.stubEnv('TERM', 'dumb')
    const countdown = createCountdown(stream)
    countdown.start(2300, text)
    vi.advanceTimersByTime(2000)
    countdown.stop()
    expect(written()).toBe('next try in 3 s\n')
  })
})
