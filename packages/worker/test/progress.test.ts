import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { systemClock } from '@lockstep/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createComputeProgress } from '../src/progress.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

describe('the progress of a computing thread', () => {
  test('starts at step 0 with nothing pending', () => {
    expect(createComputeProgress().read()).toMatchObject({ step: 0, pending: 0 })
  })

  test('is read as it was written through the same memory', () => {
    const reader = createComputeProgress()
    createComputeProgress(reader.memory).write({ step: 2 ** 40 + 1, pending: 3, quietMs: 0 })
    const { step, pending, quietMs } = reader.read()
    expect([step, pending]).toEqual([2 ** 40 + 1, 3])
    // The two clocks were set one after the other.
    expect(quietMs).toBeLessThan(1000)
  })

  test('is quiet for the time since the last write plus the quiet time written', () => {
    const progress = createComputeProgress()
    progress.write({ step: 1, pending: 1, quietMs: 250 })
    vi.advanceTimersByTime(1000)
    expect(progress.read().quietMs).toBeCloseTo(1250, 3)
    progress.write({ step: 1, pending: 0, quietMs: 0 })
    expect(progress.read().quietMs).toBeCloseTo(0, 3)
  })

  test('is never quiet for a negative time, even if the clock of the writer is ahead', () => {
    const reader = createComputeProgress(undefined, { ...systemClock, nowMs: () => 100 })
    createComputeProgress(reader.memory, { ...systemClock, nowMs: () => 101 }).write({
      step: 1,
      pending: 1,
      quietMs: 0,
    })
    expect(reader.read().quietMs).toBe(0)
  })

  test('can be read while the thread that wrote it is blocked', async () => {
    const reader = createComputeProgress()
    const writing = `
      const { parentPort, workerData } = require('node:worker_threads')
      new Float64Array(workerData)[0] = 5
      parentPort.postMessage('written')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    `
    const thread = new Worker(writing, { eval: true, workerData: reader.memory })
    await once(thread, 'message')
    expect(reader.read().step).toBe(5)
    await thread.terminate()
  })
})
