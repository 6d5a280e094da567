import type { Message } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createWorkload } from '../src/workload.ts'

const work = (step: number): Message => ({ type: 'work', runId: 'r', step, shard: 0, count: 1, slot: null })
const update = (step: number): Message => ({ type: 'update', runId: 'r', step, learningRate: 0.1, slot: null })
const state = (step: number): Message => ({ type: 'state', runId: 'r', step, powers: [] })
const evaluate = (step: number): Message => ({ type: 'evaluate', runId: 'r', step, chunk: 0, count: 1, slot: null })

/** A workload on a clock that the test sets. */
function createTested() {
  const clock = { nowMs: 0 }
  return { clock, ...createWorkload(() => clock.nowMs) }
}

describe('pending work', () => {
  test('is work that is due and unanswered', () => {
    const { give, answer, report } = createTested()
    give(state(4))
    for (const message of [work(4), work(4), evaluate(4)]) give(message)
    expect(report().pending).toBe(3)
    answer(4)
    expect(report().pending).toBe(2)
  })

  test('does not include work that was sent ahead, until the update that makes it due', () => {
    const { give, answer, report } = createTested()
    give(state(4))
    give(work(4))
    give(work(5))
    expect(report().pending).toBe(1)
    answer(4)
    expect(report().pending).toBe(0)
    give(update(4))
    expect(report().pending).toBe(1)
  })

  test('includes work that an update makes due, although the thread has not reached its step', () => {
    const { give, reach, report } = createTested()
    give(state(4))
    give(work(5))
    give(update(4))
    expect(report()).toMatchObject({ step: 0, pending: 1 })
    reach(5)
    expect(report()).toMatchObject({ step: 5, pending: 1 })
  })

  test('includes no work of an earlier step, whether it arrived before or arrives now', () => {
    const { give, answer, reach, report } = createTested()
    give(state(4))
    give(work(4))
    give(work(5))
    give(update(4))
    reach(5)
    expect(report().pending).toBe(1)
    give(work(4))
    expect(report().pending).toBe(1)
    give(work(6))
    give(update(5))
    answer(6)
    expect(report().pending).toBe(0)
  })

  test('includes work at the step of a state, even after an update of an earlier step', () => {
    const { give, report } = createTested()
    give(state(9))
    give(work(9))
    give(update(4))
    expect(report().pending).toBe(1)
  })

  test('is dropped by a new state', () => {
    const { give, report } = createTested()
    give(state(4))
    give(work(4))
    give(state(9))
    expect(report().pending).toBe(0)
  })
})

describe('quiet time', () => {
  test('is the time since an answer or a step', () => {
    const { clock, give, answer, reach, report } = createTested()
    give(state(0))
    give(work(0))
    give(work(0))
    clock.nowMs = 100
    expect(report().quietMs).toBe(100)
    answer(0)
    clock.nowMs = 130
    expect(report().quietMs).toBe(30)
    reach(1)
    expect(report().quietMs).toBe(0)
  })

  test('begins when work becomes due after idleness, so that waiting for others does not count as a hang', () => {
    const { clock, give, answer, report } = createTested()
    give(state(0))
    give(work(0))
    answer(0)
    give(work(1))
    clock.nowMs = 60_000
    give(update(0))
    expect(report()).toMatchObject({ pending: 1, quietMs: 0 })
    clock.nowMs = 60_010
    expect(report()).toMatchObject({ pending: 1, quietMs: 10 })
  })

  test('does not end when a thread that hangs gets more work', () => {
    const { clock, give, report } = createTested()
    give(state(0))
    give(work(0))
    clock.nowMs = 500
    give(work(0))
    give(update(0))
    expect(report().quietMs).toBe(500)
  })
})
