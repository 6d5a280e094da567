import type { Message } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createDirect, type DirectMessage } from '../../src/direct/direct.ts'
import type { Group } from '../../src/direct/groups.ts'

function startDirect(elements = 2) {
  const sent: Message[] = []
  const unanswered: string[] = []
  const over: string[] = []
  const clock = { nowMs: 0 }
  const direct = createDirect({
    runId: 'r',
    elements,
    send: (_, message) => sent.push(message),
    step: () => 0,
    onBehind: () => undefined,
    onUnusableMean: () => undefined,
    onUnanswered: (workerId, reason) => {
      unanswered.push(`${workerId}: ${reason}`)
      direct.leave(workerId)
    },
    onLinked: () => undefined,
    onOver: (cause, reason) => over.push(`${cause}: ${reason}`),
    nowMs: () => clock.nowMs,
  })
  for (const workerId of [1, 2]) direct.join(workerId, `tcp://10.0.0.${workerId}:1`)
  /** Lets time pass and introduces the workers. Returns the id of the group that they form, or null. */
  const groupAfter = (ms: number) => {
    clock.nowMs += ms
    direct.look()
    sent.length = 0
    direct.introduce()
    return sent[0]?.type === 'group' ? sent[0].group : null
  }
  const breakGroup = (group: number) =>
    direct.receive(1, { type: 'unlinked', runId: 'r', group, reason: 'reset by peer' }, {})
  const say = (workerId: number, message: DirectMessage) => direct.receive(workerId, message, {})
  /** Delivers one of the two elements of the first step's mean. A slice has at least 16, so both are worker 1's. */
  const slice = (start: number) => {
    const figures = { start, length: 1, total: 2, lossSum: 1, correct: 1 }
    return direct.receive(1, { type: 'slice', runId: 'r', step: 0, ...figures }, { mean: new Float32Array(1) })
  }
  const linkGroup = (): Group => {
    direct.introduce()
    for (const workerId of [1, 2]) say(workerId, { type: 'linked', runId: 'r', group: 1 })
    return direct.current()!
  }
  /** A group in which worker 1 reports a broken link and answers the `dissolve` that follows. */
  const loseGroup = (): Group => {
    const group = linkGroup()
    breakGroup(1)
    say(1, { type: 'dissolved', runId: 'r', group: 1, step: 1 })
    return group
  }
  /** Lets time pass while worker 2 sends heartbeats. */
  const pass = (seconds: number, heartbeatMs = 300) => {
    for (const endMs = clock.nowMs + seconds * 1000; clock.nowMs < endMs; ) {
      direct.look()
      clock.nowMs += heartbeatMs
      direct.hearHeartbeat(2)
    }
    direct.look()
  }
  return { direct, over, unanswered, groupAfter, breakGroup, say, slice, linkGroup, loseGroup, pass }
}

test('a failed group is tried again after a minute, then after twice as long each time, up to an hour', () => {
  const { groupAfter, breakGroup } = startDirect()
  expect(groupAfter(0)).toBe(1)
  for (const [index, seconds] of [60, 120, 240, 480, 960, 1920, 3600, 3600].entries()) {
    breakGroup(index + 1)
    expect([groupAfter(0), groupAfter(seconds * 1000 - 1), groupAfter(1)]).toEqual([null, null, index + 2])
  }
})

test('a group whose members are not all linked ends after a minute and ten seconds, and is tried again', () => {
  const { over, groupAfter, say } = startDirect()
  expect(groupAfter(0)).toBe(1)
  say(1, { type: 'linked', runId: 'r', group: 1 })
  expect([groupAfter(0), groupAfter(70_000), over]).toEqual([null, null, []])
  expect(groupAfter(1)).toBeNull()
  expect(over).toEqual(['unlinked: not all of its workers have been linked within 70 s'])
  expect([groupAfter(0), groupAfter(59_999), groupAfter(1)]).toEqual([null, null, 2])
})

test('a group that replaces one that was not linked yet gets the full time', () => {
  const { direct, over, groupAfter } = startDirect()
  expect([groupAfter(0), groupAfter(60_000)]).toEqual([1, null])
  direct.join(3, 'tcp://10.0.0.3:1')
  direct.introduce()
  expect([groupAfter(20_000), groupAfter(70_000), over]).toEqual([null, null, []])
  groupAfter(1)
  expect(over).toHaveLength(1)
})

describe('a group that is linked', () => {
  const write = () => undefined

  test('may be idle, and counts as halted only 150 s after the next mean is expected', () => {
    const { direct, over, linkGroup, pass } = startDirect()
    const group = linkGroup()
    pass(3600)
    void direct.expectMean(0, group, write)
    pass(149.9)
    expect(over).toEqual([])
    pass(0.6)
    expect(over).toEqual(['halted: nothing has come for 150 s'])
  })

  test('continues as long as slices of the expected mean arrive', () => {
    const { direct, over, slice, linkGroup, pass } = startDirect()
    void direct.expectMean(0, linkGroup(), write)
    direct.noteComputed(0)
    pass(9)
    slice(0)
    pass(9)
    expect(over).toEqual([])
    pass(1.5)
    expect(over).toEqual(['halted: nothing has come for 10 s'])
  })

  test.each(['first', 'last'])('may be idle once a mean is whole (its shards are reported %s)', async when => {
    const { direct, over, slice, linkGroup, pass } = startDirect()
    const mean = direct.expectMean(0, linkGroup(), write)
    if (when === 'first') direct.noteComputed(0)
    slice(0)
    slice(1)
    if (when === 'last') direct.noteComputed(0)
    expect(await mean).toEqual({ total: 2, lossSum: 1, correct: 1 })
    pass(3600)
    expect(over).toEqual([])
  })

  test('does not give up its mean when one of its members leaves', async () => {
    const { direct, linkGroup } = startDirect()
    const mean = direct.expectMean(0, linkGroup(), write)
    direct.leave(2)
    expect(await Promise.race([mean, Promise.resolve('still open')])).toBe('still open')
  })

  test('accepts a duplicate slice once the mean is whole', () => {
    const { direct, slice, linkGroup } = startDirect()
    void direct.expectMean(0, linkGroup(), write)
    expect([slice(0), slice(1), slice(1)]).toEqual([null, null, null])
  })
})

describe('a member that is alive and', () => {
  test('does not answer `dissolve` is given up after ten seconds, and the group settles without it', async () => {
    const { unanswered, loseGroup, pass } = startDirect()
    const group = loseGroup()
    pass(9.9)
    expect(unanswered).toEqual([])
    pass(0.6)
    expect(unanswered).toEqual(['2: no answer to dissolve for 10 s'])
    expect([...(await group.settled)]).toEqual([[1, 1]])
  })

  test('does not answer gets the time of four vectors at 1 MB/s in addition to ten seconds', () => {
    const { unanswered, loseGroup, pass } = startDirect(1_000_000)
    loseGroup()
    // 10 s, plus four vectors of 4 MB at 1 MB/s.
    pass(25.8)
    expect(unanswered).toEqual([])
    pass(0.6)
    expect(unanswered).toEqual(['2: no answer to dissolve for 26 s'])
  })

  test('does not answer `recall` is given up too, and the recall yields nothing', async () => {
    const { direct, unanswered, say, loseGroup, pass } = startDirect()
    loseGroup()
    say(2, { type: 'dissolved', runId: 'r', group: 1, step: 1 })
    pass(60)
    const recalled = direct.recallMean(0, 2, () => undefined)
    pass(9.9)
    expect(unanswered).toEqual([])
    pass(0.6)
    expect(unanswered).toEqual(['2: no answer to recall for 10 s'])
    expect(await recalled).toBeNull()
  })

  test('sends a recalled mean slowly is not given up as long as slices arrive', async () => {
    const { direct, unanswered, say, loseGroup, pass } = startDirect()
    loseGroup()
    say(2, { type: 'dissolved', runId: 'r', group: 1, step: 1 })
    const recalled = direct.recallMean(0, 2, () => undefined)
    for (const start of [0, 1]) {
      pass(9)
      const slice = { runId: 'r', step: 0, start, length: 1, total: 2, lossSum: 1, correct: 1 }
      direct.receive(2, { type: 'slice', ...slice }, { mean: new Float32Array(1) })
    }
    expect(await recalled).toEqual({ total: 2, lossSum: 1, correct: 1 })
    expect(unanswered).toEqual([])
  })

  test('first has a long message to send is not late, since no heartbeat arrives meanwhile', () => {
    const { unanswered, loseGroup, pass } = startDirect()
    loseGroup()
    // When the message has arrived, all that waited behind it arrives at once.
    pass(3600, 3600_000)
    pass(0.03, 1)
    expect(unanswered).toEqual([])
  })

  test('was never linked owes no answer, since its first state may still be in transit', () => {
    const { direct, unanswered, pass } = startDirect()
    direct.introduce()
    direct.join(3, 'tcp://10.0.0.3:1')
    pass(3600)
    expect(unanswered).toEqual([])
  })
})
