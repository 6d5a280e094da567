import type { Message } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { createDirect } from '../../src/direct/direct.ts'

function startDirect() {
  const sent: Message[] = []
  const clock = { nowMs: 0 }
  const direct = createDirect({
    runId: 'r',
    elements: 2,
    send: (_, message) => sent.push(message),
    step: () => 0,
    onBehind: () => undefined,
    onPoisoned: () => undefined,
    onLinked: () => undefined,
    onOver: () => undefined,
    nowMs: () => clock.nowMs,
  })
  for (const workerId of [1, 2]) direct.join(workerId, `tcp://10.0.0.${workerId}:1`)
  /** The ring that workers are introduced to when they are to be after so long, or null. */
  const ringAfter = (ms: number) => {
    clock.nowMs += ms
    direct.look()
    sent.length = 0
    direct.introduce()
    return sent[0]?.type === 'ring' ? sent[0].ring : null
  }
  const breakRing = (ring: number) =>
    direct.receive(1, { type: 'unlinked', runId: 'r', ring, reason: 'reset by peer' }, {})
  return { ringAfter, breakRing }
}

test('a ring that did not work is tried again after a minute, then after two', () => {
  const { ringAfter, breakRing } = startDirect()
  expect(ringAfter(0)).toBe(1)
  breakRing(1)
  expect([ringAfter(0), ringAfter(59_999), ringAfter(1)]).toEqual([null, null, 2])
  breakRing(2)
  expect([ringAfter(0), ringAfter(119_999), ringAfter(1)]).toEqual([null, null, 3])
})
