import type { LockstepError } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { createGracefulStop } from '../src/graceful-stop.ts'
import { createTestedTime } from './support/tested-time.ts'

/** A run with steps of `stepMs` that the test can ask to stop, and when and why it has abandoned its work. */
function createTested(stepMs: number) {
  const time = createTestedTime()
  const request = new AbortController()
  const ends: (readonly [atMs: number, error: LockstepError])[] = []
  const gracefulStop = createGracefulStop({
    stop: request.signal,
    stepMs: () => stepMs,
    clock: time,
    onEnd: error => ends.push([time.nowMs(), error]),
  })
  return { ...time, ...gracefulStop, stop: () => request.abort(), ends }
}

test('a run that is asked to stop abandons its work once, when no answer has arrived for 10 s', () => {
  const { pass, stop, ends } = createTested(20)
  pass(5000)
  stop()
  pass(9999)
  expect(ends).toEqual([])
  pass(60_000)
  const message = 'interrupted, and no answer has come for 10 s'
  expect(ends).toEqual([[15_000, expect.objectContaining({ code: 'interrupted', message })]])
})

test('a run with long steps waits for three times the duration of a step', () => {
  const { pass, stop, ends } = createTested(40_000)
  stop()
  pass(119_999)
  expect(ends).toEqual([])
  pass(1)
  expect(ends).toHaveLength(1)
})

test('a run that is asked to stop waits anew after each answer', () => {
  const { pass, stop, progressed, ends } = createTested(20)
  stop()
  for (let answers = 0; answers < 5; answers++) {
    pass(9000)
    progressed()
  }
  expect(ends).toEqual([])
  pass(10_000)
  expect(ends.map(([atMs]) => atMs)).toEqual([55_000])
})

test('a run abandons nothing if it is not asked to stop or has ended', () => {
  const { pass, progressed, close, stop, ends } = createTested(20)
  progressed()
  pass(100_000)
  close()
  stop()
  progressed()
  pass(100_000)
  const closed = createTested(20)
  closed.stop()
  closed.pass(5000)
  closed.close()
  closed.pass(100_000)
  expect([ends, closed.ends]).toEqual([[], []])
})
