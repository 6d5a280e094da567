import { expect, test, vi } from 'vitest'
import { canRedraw } from '../../src/terminal/can-redraw.ts'
import { createProgressBar } from '../../src/terminal/progress.ts'
import { createFakeTerminal, createPlainStream } from './fake-terminal.ts'

test('lines are redrawn on a terminal unless it is dumb', () => {
  const { stream, written } = createFakeTerminal(80)
  expect(canRedraw(stream)).toBe(true)
  expect(canRedraw(createPlainStream().stream)).toBe(false)
  vi.stubEnv('TERM', 'dumb')
  expect(canRedraw(stream)).toBe(false)
  const bar = createProgressBar(stream)
  bar.update({ label: 'unpacking', done: 3, total: 3, unit: 'files' })
  bar.stop()
  expect(written()).toMatch(/^unpacking.*\n$/)
  for (const control of ['\u001b', '\r']) expect(written()).not.toContain(control)
})

test('lines are redrawn on a terminal without TERM', () => {
  const { stream } = createFakeTerminal(80)
  vi.stubEnv('TERM', undefined)
  expect(canRedraw(stream)).toBe(true)
})
