import { LockstepError, protocolVersion } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import type { LossCause } from '../../src/metrics.ts'
import type { FakePeer } from '../support/fake-peer.ts'
import {
  createTestMembership,
  gradient,
  gradientTensors,
  heartbeat,
  hello,
  layoutHash,
  mean,
  ready,
  runId,
  task,
  taskOf,
  update,
} from '../support/test-membership.ts'
import { tinySizes } from '../support/tiny-sizes.ts'

const typesSentTo = (peer: ReturnType<ReturnType<typeof createTestMembership>['connect']>) =>
  peer.received.map(({ message }) => message.type)

describe('a worker', () => {
  test('is welcomed, gets the state when it is ready, and is active from then on', () => {
    const { membership, connect, calls, events } = createTestMembership()
    const peer = connect(hello)
    expect(peer.last('welcome')).toMatchObject({ runId, workerId: 1, layoutHash, sizes: tinySizes })
    expect([membership.active(), calls]).toEqual([0, []])
    peer.say(ready)
    expect(typesSentTo(peer)).toEqual(['welcome', 'state'])
    expect([membership.active(), calls]).toEqual([1, ['join 1']])
    const worker = { id: 1, name: 'worker', host: 'host', device: 'cpu', cores: 2, backend: 'tiny' }
    expect(events).toEqual([{ type: 'worker-joined', worker, active: 1 }])
  })

  test('gets its own tasks and the updates for all only while it is active', () => {
    const { membership, connect } = createTestMembership()
    const peers = [connect(hello, ready), connect(hello, ready), connect(hello)]
    for (const id of [1, 3, 4]) membership.assign(id, task)
    membership.broadcast(update, mean)
    membership.dismiss('finished', 'done')
    membership.assign(1, task)
    membership.broadcast(update, mean)
    expect(peers.map(typesSentTo)).toEqual([
      ['welcome', 'state', 'work', 'update', 'bye'],
      ['welcome', 'state', 'update', 'bye'],
      ['welcome', 'bye'],
    ])
  })

  test('counts as having reached the step of a heartbeat only once it is active', () => {
    const { connect, calls } = createTestMembership()
    const peer = connect(hello)
    peer.say({ ...heartbeat, step: 3 })
    expect(calls).toEqual([])
    peer.say(ready)
    peer.say({ ...heartbeat, step: 4 })
    expect(calls).toEqual(['join 1', 'reach 1 4'])
  })

  test('has its answers accepted, and is credited with shards of finished steps even after it has left', () => {
    const { membership, connect, answers } = createTestMembership()
    const peer = connect(hello, ready)
    for (const shard of [1, 2]) membership.assign(1, taskOf(shard))
    peer.say(gradient, gradientTensors)
    peer.say({ ...gradient, shard: 2, count: 4 }, gradientTensors)
    expect(answers.map(({ workerId, message }) => [workerId, message.count])).toEqual([
      [1, 5],
      [1, 4],
    ])
    expect(membership.everActive()).toMatchObject([{ samples: 0, shards: 0 }])
    membership.credit(1, 5)
    peer.hangUp()
    membership.credit(1, 4)
    expect(membership.everActive()).toMatchObject([{ samples: 9, shards: 2, gone: true }])
  })

  test('leaves with its own reason when it says goodbye, and gets a goodbye back', () => {
    const { membership, connect, calls, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    peer.say({ type: 'bye', code: 'failed', reason: 'out of memory' })
    expect([peer.ending(), membership.active()]).toEqual(['closed', 0])
    expect([calls, reasons()]).toEqual([['join 1', 'leave 1'], ['worker-lost: out of memory']])
    expect(membership.everActive()).toMatchObject([{ gone: true, outcome: 'out of memory' }])
  })

  test('that was welcomed, and no other peer, can report that the run has a later life', () => {
    const { connect, calls } = createTestMembership()
    const superseded = { type: 'bye', code: 'superseded', reason: 'life 2 is there' } as const
    connect(superseded)
    expect(calls).toEqual([])
    connect(hello, superseded)
    expect(calls).toEqual(['superseded: life 2 is there'])
  })

  test('that fails before it is active is reported by its name and with its reason', () => {
    const { connect, calls, events } = createTestMembership()
    const peer = connect(hello)
    peer.say({ type: 'bye', code: 'failed', reason: 'cannot listen for other workers' })
    const reason = `${hello.name} on ${hello.host} cannot take part: cannot listen for other workers`
    expect([calls, events]).toEqual([[], [{ type: 'refused', address: expect.any(String), reason }]])
  })

  test.each([
    ['leaves', 'left', ({ peer }) => peer.say({ type: 'bye', code: 'leaving', reason: 'enough' })],
    ['fails', 'failed', ({ peer }) => peer.say({ type: 'bye', code: 'failed', reason: 'out of memory' })],
    [
      'cannot compute',
      'uncomputable',
      ({ peer }) => peer.say({ type: 'bye', code: 'uncomputable', reason: 'no graph' }),
    ],
    ['loses its connection', 'lost', ({ peer }) => peer.hangUp(new LockstepError('connection-failed', 'reset'))],
    ['falls silent', 'silent', ({ pass }) => pass(2000)],
    [
      'stops reading',
      'deaf',
      ({ peer, membership }) => {
        peer.queuedBytes = 1001
        membership.tick()
      },
    ],
    [
      'hangs',
      'hung',
      ({ peer, pass }) => {
        for (let quietMs = 1000; quietMs <= 32_000; quietMs += 1000)
          pass(800, [peer, { ...heartbeat, pending: 1, quietMs }])
      },
    ],
    ['is refused', 'refused', ({ membership }) => membership.dropAll('take the state anew')],
    ['is excluded', 'excluded', ({ membership }) => membership.exclude(1, 'it computes wrongly')],
  ] satisfies [string, LossCause, (joined: ReturnType<typeof createTestMembership> & { peer: FakePeer }) => void][])(
    'that %s is reported and recorded as %s',
    (_, cause, end) => {
      const joined = createTestMembership()
      end({ ...joined, peer: joined.connect(hello, ready) })
      expect(joined.events.at(-1)).toMatchObject({ type: 'worker-lost', cause })
      expect(joined.membership.everActive()).toMatchObject([{ gone: true, cause }])
    },
  )

  test('is lost only once, however often its end is reported', () => {
    const { connect, calls } = createTestMembership()
    const peer = connect(hello, ready)
    peer.hangUp(new LockstepError('connection-failed', 'reset'))
    peer.hangUp()
    peer.say({ type: 'bye', code: 'leaving', reason: 'late' })
    expect(calls).toEqual(['join 1', 'leave 1'])
  })

  test('that reconnects is another member', () => {
    const { membership, connect } = createTestMembership()
    connect(hello, ready).hangUp()
    const peer = connect(hello, ready)
    expect(peer.last('welcome')?.workerId).toBe(2)
    expect(membership.everActive().map(({ facts, gone }) => [facts!.id, gone])).toEqual([
      [1, true],
      [2, false],
    ])
  })

  test('that was never ready leaves no trace', () => {
    const { membership, connect, calls, events } = createTestMembership()
    connect(hello).hangUp()
    expect([membership.everActive(), calls, events]).toEqual([[], [], []])
  })
})

test('nothing is kept of a connection that has ended', () => {
  const { membership, connect } = createTestMembership()
  const peer = connect(hello, ready)
  membership.assign(1, task)
  const [member] = membership.everActive()
  expect(member!.given.size).toBe(1)
  peer.hangUp()
  expect([member!.given.size, member!.lane]).toEqual([0, null])
  // What replaces the connection sends nothing.
  member!.connection.close({ type: 'bye', code: 'finished', reason: '' })
  expect([peer.ending(), membership.everActive()]).toEqual(['open', [member]])
})

describe('a peer is refused', () => {
  test.each([
    ['with a wrong token', [{ ...hello, token: 'wrong' }], /^wrong token/],
    ['with another protocol version', [{ ...hello, protocol: protocolVersion + 1 }], /speaks protocol version/],
    ['with a model of another layout when it is ready', [hello, { ...ready, layoutHash: 'cd'.repeat(32) }], /layout/],
    ['for a second hello', [hello, hello], /^a second hello$/],
    ['for a message before its hello', [heartbeat], /^unexpected heartbeat message$/],
    ['for being ready before its hello', [ready], /^unexpected ready message$/],
    [
      'for a message that only the coordinator sends',
      [hello, { type: 'update', runId, step: 0, learningRate: 0.1, slot: null }],
      /update message$/,
    ],
  ] as const)('%s', (_, messages, reason) => {
    const { membership, connect, events, calls } = createTestMembership()
    const tensors = (type: string) => (type === 'update' ? gradientTensors : {})
    const peer = connect()
    for (const message of messages) peer.say(message, tensors(message.type))
    expect(peer.ending()).toBe('closed')
    expect(peer.last('bye')).toMatchObject({ code: 'refused', reason: expect.stringMatching(reason) })
    expect(events).toEqual([{ type: 'refused', address: '10.0.0.1:5000', reason: peer.last('bye')!.reason }])
    expect([calls, membership.active(), membership.everActive()]).toEqual([[], 0, []])
  })

  test('without learning anything about the run', () => {
    const peer = createTestMembership().connect({ ...hello, token: 'wrong' })
    expect(typesSentTo(peer)).toEqual(['bye'])
  })

  test('and its later messages are ignored', () => {
    const { connect, events } = createTestMembership()
    const peer = connect({ ...hello, token: 'wrong' })
    peer.say(hello)
    peer.hangUp(new LockstepError('frame-malformed', 'nonsense'))
    expect([typesSentTo(peer), events.length]).toEqual([['bye'], 1])
  })

  test('when it sends a malformed frame', () => {
    const { connect, reasons } = createTestMembership()
    connect().hangUp(new LockstepError('frame-malformed', 'a frame has the wrong magic'))
    expect(reasons()).toEqual(['refused: a frame has the wrong magic'])
  })
})

describe('an active worker is refused', () => {
  test.each([
    ['when its answer is wrong', gradient, gradientTensors, 'its replica has drifted'],
    ['when it is ready a second time', ready, {}, 'a second ready'],
    ['when it greets again', hello, {}, 'a second hello'],
  ] as const)('%s', (_, message, tensors, reason) => {
    const { membership, connect, answering, calls, reasons } = createTestMembership()
    answering.outcome = { taken: false, fault: 'its replica has drifted' }
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say(message, tensors)
    expect(peer.last('bye')).toEqual({ type: 'bye', code: 'refused', reason })
    expect([calls, reasons()]).toEqual([['join 1', 'leave 1'], [`worker-lost: refused: ${reason}`]])
  })
})

test('messages of another run are ignored', () => {
  const { membership, connect, answers } = createTestMembership()
  const peer = connect(hello, { ...ready, runId: 'earlier' })
  expect(membership.active()).toBe(0)
  peer.say(ready)
  peer.say({ ...gradient, runId: 'earlier' }, gradientTensors)
  peer.say({ ...heartbeat, runId: 'earlier', pending: 1, quietMs: 1e9 })
  membership.tick()
  expect([answers, membership.active(), peer.ending()]).toEqual([[], 1, 'open'])
})

describe('the end of a run', () => {
  test('is announced to every peer', () => {
    const { membership, connect } = createTestMembership()
    const peers = [connect(), connect(hello), connect(hello, ready)]
    membership.dismiss('interrupted', 'the run is interrupted')
    const bye = { type: 'bye', code: 'interrupted', reason: 'the run is interrupted' }
    for (const peer of peers) expect([peer.last('bye'), peer.ending()]).toEqual([bye, 'closed'])
    expect(membership.active()).toBe(0)
  })

  test('is announced to every peer that connects later', () => {
    const { membership, connect, calls } = createTestMembership()
    membership.dismiss('failed', 'the disk is full')
    const peer = connect(hello, ready)
    expect(typesSentTo(peer)).toEqual(['bye'])
    expect([peer.ending(), calls]).toEqual(['closed', []])
  })

  test('does not count as a loss of workers', () => {
    const { membership, connect, calls, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    membership.dismiss('finished', 'done')
    peer.hangUp()
    expect([calls, reasons()]).toEqual([['join 1'], []])
  })
})
