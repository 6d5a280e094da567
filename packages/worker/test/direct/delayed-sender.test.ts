import { type Message, systemClock } from '@lockstep/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDelayedSender, type DelayedSender } from '../../src/direct/delayed-sender.ts'

const delayMs = 2

let sent: Message[] = []
let sender: DelayedSender

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  sender = createDelayedSender(message => sent.push(message), systemClock, delayMs)
})
afterEach(() => vi.useRealTimers())

function contribution(shard: number): Message {
  return { type: 'contribution', runId: 'run-1', step: 3, shard, count: 1, lossSum: 1, correct: 0, times: [] }
}

test('a message is sent once, after its delay', () => {
  sender.send(contribution(0))
  vi.advanceTimersByTime(delayMs - 1)
  expect(sent).toEqual([])
  vi.advanceTimersByTime(1)
  expect(sent).toEqual([contribution(0)])
  vi.advanceTimersByTime(delayMs)
  sender.flush()
  expect(sent).toEqual([contribution(0)])
})

test('a message flushes the one before, and none overtakes another', () => {
  sender.send(contribution(0))
  sender.send(contribution(1))
  expect(sent).toEqual([contribution(0)])
  sender.flush()
  expect(sent).toEqual([contribution(0), contribution(1)])
  vi.advanceTimersByTime(delayMs)
  expect(sent).toHaveLength(2)
})

test('a message after a flush waits for its full delay', () => {
  sender.send(contribution(0))
  vi.advanceTimersByTime(1)
  sender.flush()
  sender.send(contribution(1))
  vi.advanceTimersByTime(delayMs - 1)
  expect(sent).toEqual([contribution(0)])
  vi.advanceTimersByTime(1)
  expect(sent).toEqual([contribution(0), contribution(1)])
})

test('nothing is sent after the sender has been closed', () => {
  sender.send(contribution(0))
  sender.close()
  vi.advanceTimersByTime(delayMs)
  expect(sent).toEqual([])
})
