import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { createMonotonicClock } from '../../src/timing/monotonic-clock.ts'

test('the clock reads the same in every thread', async () => {
  const nowMs = createMonotonicClock()
  // The other thread is younger, so its `performance.now` is behind.
  const code = `require('node:worker_threads').parentPort.postMessage((${createMonotonicClock})()())`
  const thread = new Worker(code, { eval: true })
  const beforeMs = nowMs()
  const [thereMs] = await once(thread, 'message')
  expect(thereMs).toBeGreaterThan(beforeMs)
  expect(thereMs).toBeLessThan(nowMs())
})
