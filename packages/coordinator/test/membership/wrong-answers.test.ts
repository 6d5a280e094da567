import { LockstepError, type Message } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { workKey } from '../../src/training/batch-gradient.ts'
import { createLobby, gradient, gradientTensors, heartbeat, hello, ready, task } from '../support/lobby.ts'

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
    ['of another shard', { ...gradient, shard: 2 }, 'an answer to shard 2 of step 1, which it was not given'],
    ['of a step to come', { ...gradient, step: 7 }, 'an answer to shard 1 of step 8, which it was not given'],
    ['of a chunk', metrics, 'an answer to chunk 3 of step 1, which it was not given'],
  ] as const)('%s sends the worker away, and is counted', (_, message, reason) => {
    const { membership, connect, answers, reasons } = createLobby()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say(message, message.type === 'gradient' ? gradientTensors : {})
    expect(answers).toEqual([])
    expect(reasons()).toEqual([`worker-lost: refused: ${reason}`])
    expect(peer.last('bye')).toEqual({ type: 'bye', code: 'refused', reason })
    expect(membership.everActive()).toMatchObject([{ refused: 1, samples: 0 }])
  })

  test('is dropped when it is to a step that the worker is past: it may have been asked for', () => {
    const { membership, connect, answers, reasons } = createLobby()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say({ ...heartbeat, step: 1 })
    peer.say(gradient, gradientTensors)
    expect([answers, reasons()]).toEqual([[], []])
    expect(membership.everActive()[0]!.given.size).toBe(0)
  })

  test('is dropped when it is to a step before the state that the worker was given, or before one it has told of', () => {
    const { connect, state, answers, reasons } = createLobby()
    state.step = 3
    const peer = connect(hello, ready)
    peer.say({ ...gradient, step: 2 }, gradientTensors)
    // A heartbeat says how far the worker was when it was made, which may come after an answer to a later step.
    peer.say({ ...heartbeat, step: 5 })
    peer.say({ ...heartbeat, step: 3 })
    peer.say({ ...gradient, step: 4 }, gradientTensors)
    expect([answers, reasons()]).toEqual([[], []])
  })

  test('is none where it was asked for before the worker came to that step', () => {
    const { membership, connect, answers, reasons } = createLobby()
    const peer = connect(hello, ready)
    membership.assign(1, { ...task, key: workKey(2, 1), step: 2, order: { ...task.order, step: 2 } })
    peer.say({ ...heartbeat, step: 2 })
    peer.say({ ...gradient, step: 2 }, gradientTensors)
    expect([answers.length, reasons()]).toEqual([1, []])
  })

  test('is wrong when it is still waited for: what is for an earlier step no replica computes', () => {
    const { membership, connect, answering, answers, reasons } = createLobby()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    answering.awaited = true
    peer.say({ ...heartbeat, step: 3 })
    peer.say(gradient, gradientTensors)
    expect(answers).toEqual([])
    expect(reasons()).toEqual(['worker-lost: refused: an answer to shard 1 of step 1 after it had reached step 4'])
  })

  test('is one that was asked of it before, though it is of no use any more', () => {
    const { membership, connect, answering, answers, reasons } = createLobby()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    answering.outcome = { taken: false, fault: null }
    for (let time = 0; time < 2; time++) peer.say(gradient, gradientTensors)
    expect([answers.length, reasons()]).toEqual([2, []])
  })
})

describe('a message that is none', () => {
  const invalid = new LockstepError('message-invalid', 'tensor gradient of a gradient message', {
    expected: 'float32[27]',
    received: 'float32[3]',
  })
  const reason = 'tensor gradient of a gradient message: expected float32[27], received float32[3]'

  test('such as a gradient of the wrong length, is held against its worker', () => {
    const { membership, connect, reasons } = createLobby()
    for (let time = 1; time <= 3; time++) connect(hello, ready).hangUp(invalid)
    expect(reasons()).toEqual([
      `worker-lost: refused: ${reason}`,
      `worker-lost: refused: ${reason}`,
      `worker-lost: excluded: ${reason}`,
    ])
    expect(membership.everActive().map(({ refused }) => refused)).toEqual([1, 1, 1])
  })

  test('is not where the bytes of a frame are wrong, for which a network may be to blame', () => {
    const { membership, connect, reasons } = createLobby()
    connect(hello, ready).hangUp(new LockstepError('frame-malformed', 'a frame has the wrong magic'))
    expect(reasons()).toEqual(['worker-lost: a frame has the wrong magic'])
    expect(membership.everActive()[0]!.refused).toBe(0)
  })
})

describe('a worker that answers wrongly', () => {
  test('may come back twice, and is excluded the third time', () => {
    const { membership, connect, answering, reasons } = createLobby()
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

  test('is known by its name on its host', () => {
    const { membership, connect } = createLobby()
    connect(hello, ready)
    membership.exclude(1, 'it computes wrongly')
    connect({ ...hello, host: 'elsewhere' }, ready)
    connect({ ...hello, name: 'another' }, ready)
    expect(membership.active()).toBe(2)
  })

  test('has its refused answers counted while it may stay', () => {
    const { membership, connect, events, reasons } = createLobby()
    const peer = connect(hello, ready)
    membership.note(1, 'not finite')
    expect(events.at(-1)).toMatchObject({ type: 'answer-refused', worker: { id: 1 }, reason: 'not finite' })
    for (let time = 0; time < 2; time++) membership.countWrongAnswer(1, 'another has a finite one')
    expect([peer.ending(), membership.everActive()[0]!.refused]).toEqual(['open', 1])
    membership.countWrongAnswer(1, 'another has a finite one')
    expect(peer.ending()).toBe('closed')
    expect(reasons().at(-1)).toBe('worker-lost: excluded: another has a finite one')
  })

  test('is told why it is excluded, and leaves its shards to others', () => {
    const { membership, connect, calls } = createLobby()
    const peer = connect(hello, ready)
    membership.exclude(1, 'it computes wrongly')
    expect(peer.last('bye')).toEqual({ type: 'bye', code: 'refused', reason: 'excluded: it computes wrongly' })
    expect(membership.isTrusted(1)).toBe(false)
    expect(calls).toEqual(['join 1', 'leave 1'])
  })
})

test('all who take part can be sent away, and come back', () => {
  const { membership, connect, reasons } = createLobby()
  const peers = [connect(hello, ready), connect(hello, ready), connect(hello)]
  membership.dropAll('a mean was not finite')
  expect(peers.map(peer => peer.ending())).toEqual(['closed', 'closed', 'open'])
  expect(reasons()).toEqual(Array.from({ length: 2 }, () => 'worker-lost: refused: a mean was not finite'))
  connect(hello, ready)
  expect(membership.active()).toBe(1)
})
