import { LockstepError, type Message } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { workKey } from '../../src/training/batch-gradient.ts'
import {
  createTestMembership,
  gradient,
  gradientTensors,
  heartbeat,
  hello,
  ready,
  task,
} from '../support/test-membership.ts'

const wrong = { taken: false, fault: '4 samples instead of 5' }

describe('an answer that a worker was not asked for', () => {
  const metrics: Message = {
    type: 'metrics',
    runId: gradient.runId,
    step: 0,
    chunk: 3,
    count: 5,
    lossSum: 1,
    correct: 2,
    weightsSha256: '0'.repeat(64),
  }

  test.each([
    ['another shard', { ...gradient, shard: 2 }, 'an answer to shard 2 of step 1, which it was not given'],
    ['a later step', { ...gradient, step: 7 }, 'an answer to shard 1 of step 8, which it was not given'],
    ['a chunk', metrics, 'an answer to chunk 3 of step 1, which it was not given'],
  ] as const)('makes the coordinator refuse the worker, and is counted (to %s)', (_, message, reason) => {
    const { membership, connect, answers, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say(message, message.type === 'gradient' ? gradientTensors : {})
    expect(answers).toEqual([])
    expect(reasons()).toEqual([`worker-lost: refused: ${reason}`])
    expect(peer.last('bye')).toEqual({ type: 'bye', code: 'refused', reason })
    expect(membership.everActive()).toMatchObject([{ refused: 1, samples: 0 }])
  })

  test('is ignored if the worker has passed its step, since it may have been asked for', () => {
    const { membership, connect, answers, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say({ ...heartbeat, step: 1 })
    peer.say(gradient, gradientTensors)
    expect([answers, reasons()]).toEqual([[], []])
    expect(membership.everActive()[0]!.given.size).toBe(0)
  })

  test('is ignored if its step is before the state that the worker got, or before a step that it has reported', () => {
    const { connect, state, answers, reasons } = createTestMembership()
    state.step = 3
    const peer = connect(hello, ready)
    peer.say({ ...gradient, step: 2 }, gradientTensors)
    // A heartbeat holds the step at which it was made. It may arrive after an answer to a later step.
    peer.say({ ...heartbeat, step: 5 })
    peer.say({ ...heartbeat, step: 3 })
    peer.say({ ...gradient, step: 4 }, gradientTensors)
    expect([answers, reasons()]).toEqual([[], []])
  })

  test('is not one that was asked for before the worker reached its step', () => {
    const { membership, connect, answers, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.assign(1, { ...task, key: workKey(2, 1), step: 2, order: { ...task.order, step: 2 } })
    peer.say({ ...heartbeat, step: 2 })
    peer.say({ ...gradient, step: 2 }, gradientTensors)
    expect([answers.length, reasons()]).toEqual([1, []])
  })

  test('is wrong if it is still awaited after the worker has passed its step', () => {
    const { membership, connect, answering, answers, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    answering.awaited = true
    peer.say({ ...heartbeat, step: 3 })
    peer.say(gradient, gradientTensors)
    expect(answers).toEqual([])
    expect(reasons()).toEqual(['worker-lost: refused: an answer to shard 1 of step 1 after it had reached step 4'])
  })

  test('is not one that was asked for but is no longer needed', () => {
    const { membership, connect, answering, answers, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    answering.outcome = { taken: false, fault: null }
    for (let time = 0; time < 2; time++) peer.say(gradient, gradientTensors)
    expect([answers.length, reasons()]).toEqual([2, []])
  })
})

describe('an invalid message', () => {
  const invalid = new LockstepError('message-invalid', 'tensor gradient of a gradient message', {
    expected: 'float32[27]',
    received: 'float32[3]',
  })
  const reason = 'tensor gradient of a gradient message: expected float32[27], received float32[3]'

  test('such as a gradient of the wrong length is held against its worker', () => {
    const { membership, connect, reasons } = createTestMembership()
    for (let time = 1; time <= 3; time++) connect(hello, ready).hangUp(invalid)
    expect(reasons()).toEqual([
      `worker-lost: refused: ${reason}`,
      `worker-lost: refused: ${reason}`,
      `worker-lost: excluded: ${reason}`,
    ])
    expect(membership.everActive().map(({ refused }) => refused)).toEqual([1, 1, 1])
  })

  test('is not held against its worker if its frame is malformed, which may be the fault of the network', () => {
    const { membership, connect, reasons } = createTestMembership()
    connect(hello, ready).hangUp(new LockstepError('frame-malformed', 'a frame has the wrong magic'))
    expect(reasons()).toEqual(['worker-lost: a frame has the wrong magic'])
    expect(membership.everActive()[0]!.refused).toBe(0)
  })
})

describe('a worker that answers wrongly', () => {
  test('may reconnect twice, and is excluded the third time', () => {
    const { membership, connect, answering, reasons } = createTestMembership()
    answering.outcome = wrong
    for (let time = 1; time <= 3; time++) {
      const peer = connect(hello, ready)
      membership.assign(time, task)
      peer.say(gradient, gradientTensors)
    }
    connect({ ...hello, name: 'another' }, ready)
    const back = connect(hello, ready)
    expect(reasons()).toEqual([
      'worker-lost: refused: 4 samples instead of 5',
      'worker-lost: refused: 4 samples instead of 5',
      'worker-lost: excluded: 4 samples instead of 5',
      'refused: worker on host is excluded from this run: 4 samples instead of 5',
    ])
    expect(back.last('welcome')).toBeUndefined()
    expect(membership.everActive().map(({ refused, cause, outcome }) => [refused, cause, outcome])).toEqual([
      [1, 'refused', 'refused: 4 samples instead of 5'],
      [1, 'refused', 'refused: 4 samples instead of 5'],
      [1, 'excluded', 'excluded: 4 samples instead of 5'],
      [0, null, ''],
    ])
  })

  test('is known by its name and host', () => {
    const { membership, connect } = createTestMembership()
    connect(hello, ready)
    membership.exclude(1, 'it computes wrongly')
    connect({ ...hello, host: 'elsewhere' }, ready)
    connect({ ...hello, name: 'another' }, ready)
    expect(membership.active()).toBe(2)
  })

  test('has its unusable answers counted, and is excluded at the third charge', () => {
    const { membership, connect, events, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.note(1, 'not finite')
    expect(events.at(-1)).toMatchObject({ type: 'answer-refused', worker: { id: 1 }, reason: 'not finite' })
    for (let time = 0; time < 2; time++) membership.countWrongAnswer(1, 'another has a finite one')
    expect([peer.ending(), membership.everActive()[0]!.refused]).toEqual(['open', 1])
    membership.countWrongAnswer(1, 'another has a finite one')
    expect(peer.ending()).toBe('closed')
    expect(reasons().at(-1)).toBe('worker-lost: excluded: another has a finite one')
  })

  test('receives the reason when it is excluded, and is no longer trusted', () => {
    const { membership, connect, calls } = createTestMembership()
    const peer = connect(hello, ready)
    membership.exclude(1, 'it computes wrongly')
    expect(peer.last('bye')).toEqual({ type: 'bye', code: 'refused', reason: 'excluded: it computes wrongly' })
    expect(membership.isTrusted(1)).toBe(false)
    expect(calls).toEqual(['join 1', 'leave 1'])
  })
})

test('all active workers can be refused at once, and can reconnect', () => {
  const { membership, connect, reasons } = createTestMembership()
  const peers = [connect(hello, ready), connect(hello, ready), connect(hello)]
  membership.dropAll('a mean was not finite')
  expect(peers.map(peer => peer.ending())).toEqual(['closed', 'closed', 'open'])
  expect(reasons()).toEqual(Array.from({ length: 2 }, () => 'worker-lost: refused: a mean was not finite'))
  connect(hello, ready)
  expect(membership.active()).toBe(1)
})
