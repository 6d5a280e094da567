import type { LockstepError } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { createGracefulStop } from '../src/graceful-stop.ts'
import { createTestedTime } from './support/tested-time.ts'

/** A run whose steps take so long, that a test asks to stop, and when what is under way has been left. */
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

test('a run that is asked to stop leaves what nothing comes of after 10 s, once', () => {
  const { pass, stop, ends } = createTested(20)
  pass(5000)
  stop()
  pass(9999)
  expect(ends).toEqual([])
  pass(60_000)
  const message = 'interrupted, and no answer has come for 10 s'
  expect(ends).toEqual([[15_000, expect.objectContaining({ code: 'interrupted', message })]])
})

test('long steps are given three times what they take', () => {
  const { pass, stop, ends } = createTested(40_000)
  stop()
  pass(119_999)
  expect(ends).toEqual([])
  pass(1)
  expect(ends).toHaveLength(1)
})

test('as long as answers come it goes on, and after the last one for as long again', () => {
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

test('nothing is left by a run that nobody asks to stop, nor by one that is over', () => {
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
