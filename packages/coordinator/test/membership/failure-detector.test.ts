import { describe, expect, test } from 'vitest'
import type { FakePeer } from '../support/fake-peer.ts'
import {
  createTestMembership,
  echoOf,
  gradient,
  gradientTensors,
  heartbeat,
  hello,
  ready,
  task,
} from '../support/test-membership.ts'

const typesSentTo = (peer: ReturnType<ReturnType<typeof createTestMembership>['connect']>) =>
  peer.received.map(({ message }) => message.type)

const hanging = (quietMs: number) => ({ ...heartbeat, step: 8, pending: 1, quietMs })

describe('as time passes', () => {
  test('every peer that has said hello gets heartbeats', () => {
    const { connect, pass } = createTestMembership()
    const [stranger, guest] = [connect(), connect(hello)]
    pass(400)
    expect([stranger, guest].map(typesSentTo)).toEqual([[], ['welcome', 'heartbeat']])
  })

  test('a silent worker is dropped, and one that sends heartbeats stays', () => {
    const { membership, connect, pass, calls, reasons } = createTestMembership()
    const [silent, alive] = [connect(hello, ready), connect(hello, ready)]
    pass(2000, [alive, heartbeat])
    expect([silent.ending(), alive.ending(), membership.active()]).toEqual(['terminated', 'open', 1])
    expect([calls.at(-1), reasons()]).toEqual(['leave 1', ['worker-lost: silent for 2.0 s']])
  })

  test('a worker stays as long as its bytes arrive, even if no message is complete', () => {
    const { connect, pass, reasons } = createTestMembership()
    const slow = connect(hello, ready)
    for (let tick = 0; tick < 20; tick++) {
      slow.receivedBytes += 1
      pass(400)
    }
    pass(1200)
    expect(slow.ending()).toBe('open')
    // The last byte came after the tick at 7.6 s.
    pass(400)
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })

  test('a peer that says no hello is dropped, even if it sends bytes', () => {
    const { connect, pass } = createTestMembership()
    const peer = connect()
    for (let tick = 0; tick < 13; tick++) {
      peer.receivedBytes += 1
      pass(400)
    }
    expect(peer.ending()).toBe('terminated')
  })

  test('a peer that says no hello is dropped', () => {
    const { connect, pass } = createTestMembership()
    const peer = connect()
    pass(4800)
    expect(peer.ending()).toBe('open')
    pass(400)
    expect(peer.ending()).toBe('terminated')
  })

  test('a worker whose computation hangs is dropped, even if it sends heartbeats', () => {
    const { connect, pass, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    for (let quietMs = 400; quietMs <= 30_000; quietMs += 400) pass(400, [peer, hanging(quietMs)])
    expect(peer.ending()).toBe('open')
    pass(400, [peer, hanging(30_400)])
    expect([peer.ending(), reasons()]).toEqual(['closed', ['worker-lost: hung at step 8 for 30.4 s']])
    // Its connected thread, which does not hang, starts another computing thread.
    expect(peer.last('bye')).toMatchObject({ code: 'hung' })
  })

  test('a worker that reads nothing is dropped', () => {
    const { connect, pass, reasons } = createTestMembership()
    const peer = connect(hello, ready)
    peer.queuedBytes = 1001
    pass(400, [peer, heartbeat])
    expect([peer.ending(), reasons()]).toEqual([
      'terminated',
      ['worker-lost: stopped reading: 1.0 kB queued for it, and nothing read for 0.4 s'],
    ])
  })

  test('a worker that nothing reaches is dropped, even if little is queued for it and it sends heartbeats', () => {
    const { connect, pass, reasons } = createTestMembership()
    const [deaf, other] = [connect(hello, ready), connect(hello, ready)]
    // It keeps echoing the last heartbeat that it has read.
    const stuck = { ...heartbeat, echo: { sentMs: 0, receivedMs: 0 } }
    for (let passedMs = 0; passedMs < 60_400; passedMs += 400)
      pass(400, [deaf, stuck], [other, { ...heartbeat, echo: echoOf(other) }])
    expect(deaf.ending()).toBe('open')
    pass(400, [deaf, stuck], [other, { ...heartbeat, echo: echoOf(other) }])
    expect([deaf.ending(), other.ending()]).toEqual(['terminated', 'open'])
    expect(reasons()).toEqual(['worker-lost: stopped reading: 0 B queued for it, and nothing read for 60.4 s'])
  })

  test('a coordinator whose ticks are late does not count the delay as silence', () => {
    const { membership, clock, connect, reasons } = createTestMembership()
    connect(hello, ready)
    for (let look = 0; look < 3; look++) {
      clock.nowMs += 1000
      membership.tick()
    }
    // 400 ms of each 1,000 ms have counted.
    clock.nowMs += 400
    membership.tick()
    expect(reasons()).toEqual([])
    clock.nowMs += 1
    membership.tick()
    expect(reasons()).toEqual(['worker-lost: silent for 1.6 s'])
  })

  test('a coordinator that was suspended does not count that time as silence', () => {
    const { membership, clock, connect, pass } = createTestMembership()
    const [worker, guest, stranger] = [connect(hello, ready), connect(hello), connect()]
    pass(400)
    clock.nowMs += 3_600_000
    membership.tick()
    pass(1200)
    expect([worker, guest, stranger].map(peer => peer.ending())).toEqual(['open', 'open', 'open'])
    pass(6000, [guest, heartbeat])
    expect([worker.ending(), guest.ending()]).toEqual(['terminated', 'open'])
  })
})

test('after a tick that is late by more than half the permitted silence, a worker gets the full time again', () => {
  const { membership, clock, connect, pass, reasons } = createTestMembership()
  connect(hello, ready)
  pass(800)
  clock.nowMs += 1400
  membership.tick()
  pass(1600)
  expect(reasons()).toEqual([])
  pass(400)
  expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
})

test('after a suspension of the coordinator, a silent worker is dropped as soon as usual', () => {
  const { membership, clock, connect, pass, reasons } = createTestMembership()
  const [, ...others] = Array.from({ length: 4 }, () => connect(hello, ready))
  pass(400)
  clock.nowMs += 3_600_000
  membership.tick()
  pass(2000, ...others.map(other => [other, heartbeat] as const))
  expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
})

describe('while long messages of others fill the link', () => {
  /** Workers of which the first is silent. `send` lets time pass while some others send bytes of long messages. */
  function createCrowd() {
    const base = createTestMembership()
    const [silent, ...others] = Array.from({ length: 4 }, () => base.connect(hello, ready)) as [FakePeer, ...FakePeer[]]
    function send(ms: number, senders: readonly FakePeer[]) {
      for (let passedMs = 0; passedMs < ms; passedMs += 400) {
        for (const other of others) {
          if (senders.includes(other)) other.receivedBytes += 1
          else other.say(heartbeat)
        }
        base.pass(400)
      }
    }
    return { ...base, silent, others, send }
  }

  test('a silent worker may stay longer', () => {
    const { others, send, reasons } = createCrowd()
    send(6000, others)
    expect(reasons()).toEqual([])
    send(400, others)
    expect(reasons()).toEqual(['worker-lost: silent for 6.4 s'])
  })

  test('a silent worker may stay longer, even if the messages end meanwhile', () => {
    const { others, send, reasons } = createCrowd()
    send(1200, others)
    send(4800, [])
    expect(reasons()).toEqual([])
    send(400, [])
    expect(reasons()).toEqual(['worker-lost: silent for 6.4 s'])
  })

  test('a worker that has sent a heartbeat since is dropped as soon as usual', () => {
    const { silent, others, send, reasons } = createCrowd()
    send(2400, others)
    silent.say(heartbeat)
    send(2000, [])
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })

  test('a silent worker is dropped as soon as usual if only few others send them', () => {
    const { others, send, reasons } = createCrowd()
    send(2000, others.slice(0, 1))
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })
})

describe('while most workers are silent at once', () => {
  const createSilence = (workers: number) => {
    const base = createTestMembership()
    return { ...base, peers: Array.from({ length: workers }, () => base.connect(hello, ready)) }
  }
  const sayAll = (peers: readonly FakePeer[]) => {
    for (const peer of peers) peer.say(heartbeat)
  }

  test('they may stay longer', () => {
    const { peers, pass, reasons } = createSilence(4)
    pass(6000, [peers[0]!, heartbeat])
    expect(reasons()).toEqual([])
    pass(400, [peers[0]!, heartbeat])
    expect(reasons()).toEqual(Array(3).fill('worker-lost: silent for 6.4 s'))
  })

  test('the last one to send again stays, too', () => {
    const { peers, pass, reasons } = createSilence(4)
    pass(2000)
    sayAll(peers.slice(1))
    pass(800)
    expect(reasons()).toEqual([])
    peers[0]!.say(heartbeat)
    sayAll(peers)
    pass(1600)
    expect(reasons()).toEqual([])
  })

  test('one that remains silent while the others send again is dropped', () => {
    const { peers, pass, reasons } = createSilence(4)
    pass(1200)
    const say = () => sayAll(peers.slice(1))
    for (let passedMs = 0; passedMs < 1600; passedMs += 400) {
      say()
      pass(400)
    }
    expect(reasons()).toEqual([])
    say()
    pass(400)
    expect(reasons()).toEqual(['worker-lost: silent for 3.2 s'])
  })

  test('peers that say no hello do not count', () => {
    const { peers, connect, pass, reasons } = createSilence(3)
    for (let stranger = 0; stranger < 3; stranger++) connect()
    pass(2000, [peers[0]!, heartbeat], [peers[1]!, heartbeat])
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })

  test('a silent worker is dropped as soon as usual if only half of them are silent', () => {
    const { peers, pass, reasons } = createSilence(4)
    for (let passedMs = 0; passedMs < 2000; passedMs += 400) {
      sayAll(peers.slice(2))
      pass(400)
    }
    expect(reasons()).toEqual(Array(2).fill('worker-lost: silent for 2.0 s'))
  })
})

test('the times of a worker are reported with its clock offset, which echoed heartbeats measure', () => {
  const { membership, connect, clock, reported } = createTestMembership()
  const peer = connect(hello, ready)
  membership.assign(1, task)
  peer.say({ ...gradient, times: [7] }, gradientTensors)
  // Sent at 100, received at 5101 on the worker's clock, answered at 5151, back at 152: the worker is 5000 ahead.
  clock.nowMs = 152
  peer.say({ ...heartbeat, sentMs: 5151, echo: { sentMs: 100, receivedMs: 5101 } })
  peer.say({ ...gradient, times: [8] }, gradientTensors)
  expect(reported).toEqual([
    { id: 1, times: [7], offsetMs: null },
    { id: 1, times: [8], offsetMs: 5000 },
  ])
})
