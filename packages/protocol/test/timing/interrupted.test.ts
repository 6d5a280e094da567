import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import type { Clock } from '../../src/timing/clock.ts'
import { interrupted } from '../../src/timing/interrupted.ts'

/** A wait of 5 s on a clock that the test moves. */
function wait({ signal } = new AbortController()) {
  const cancel = vi.fn()
  const after = vi.fn<Clock['after']>(() => cancel)
  const ending = interrupted(5000, signal, { nowMs: () => 0, after, every: () => cancel })
  const end = () => after.mock.calls[0]![1]()
  return { ending, end, after, cancel, signal }
}

test('a wait that is not interrupted ends after its time, and leaves no listener on the signal', async () => {
  const { ending, end, after, signal } = wait()
  expect(after).toHaveBeenCalledWith(5000, expect.any(Function))
  end()
  expect(await ending).toBe(false)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a wait ends when the signal aborts, and cancels its timer', async () => {
  const controller = new AbortController()
  const { ending, cancel } = wait(controller)
  controller.abort()
  expect(await ending).toBe(true)
  expect(cancel).toHaveBeenCalledTimes(1)
})

test('there is no wait if the signal has aborted before', async () => {
  const controller = new AbortController()
  controller.abort()
  const { ending, after } = wait(controller)
  expect(await ending).toBe(true)
  expect(after).not.toHaveBeenCalled()
})
