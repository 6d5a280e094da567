import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { createMonotonicClock } from '../../src/timing/monotonic-clock.ts'

test('the clock reads the same in every thread', async () => {
  const nowMs = createMonotonicClock()
  // The other thread started later, so its `performance.now` is behind.
  const code = `require('node:worker_threads').parentPort.postMessage((${createMonotonicClock})()())`
  const thread = new Worker(code, { eval: true })
  const beforeMs = nowMs()
  const [thereMs] = await once(thread, 'message')
  expect(thereMs).toBeGreaterThan(beforeMs)
  expect(thereMs).toBeLessThan(nowMs())
})

test('the clock is also right in a thread that loses its core while it is set up', () => {
  const undisturbedMs = createMonotonicClock()
  const now = performance.now.bind(performance)
  const awayMs = 20
  const spy = vi.spyOn(performance, 'now').mockImplementationOnce(() => {
    const startedAtMs = now()
    while (now() < startedAtMs + awayMs);
    return now()
  })
  const nowMs = createMonotonicClock()
  spy.mockRestore()
  const beforeMs = undisturbedMs()
  const readMs = nowMs()
  expect(readMs).toBeGreaterThan(beforeMs - 1)
  expect(readMs).toBeLessThan(undisturbedMs() + 1)
})
