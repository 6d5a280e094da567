import { describe, expect, test } from 'vitest'
import type { FakePeer } from '../support/fake-peer.ts'
import { createLobby, echoOf, gradient, gradientTensors, heartbeat, hello, ready, task } from '../support/lobby.ts'

const typesSentTo = (peer: ReturnType<ReturnType<typeof createLobby>['connect']>) =>
  peer.received.map(({ message }) => message.type)

const hanging = (quietMs: number) => ({ ...heartbeat, step: 8, pending: 1, quietMs })

describe('while time passes', () => {
  test('everyone who has said hello hears that the coordinator lives', () => {
    const { connect, pass } = createLobby()
    const [stranger, guest] = [connect(), connect(hello)]
    pass(400)
    expect([stranger, guest].map(typesSentTo)).toEqual([[], ['welcome', 'heartbeat']])
  })

  test('a silent worker is dropped, one that is heard of stays', () => {
    const { membership, connect, pass, calls, reasons } = createLobby()
    const [silent, alive] = [connect(hello, ready), connect(hello, ready)]
    pass(2000, [alive, heartbeat])
    expect([silent.ending(), alive.ending(), membership.active()]).toEqual(['terminated', 'open', 1])
    expect([calls.at(-1), reasons()]).toEqual(['leave 1', ['worker-lost: silent for 2.0 s']])
  })

  test('a worker stays for as long as bytes come from it, though no message is whole yet', () => {
    const { connect, pass, reasons } = createLobby()
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

  test('a peer that says no hello is dropped, whatever comes from it', () => {
    const { connect, pass } = createLobby()
    const peer = connect()
    for (let tick = 0; tick < 13; tick++) {
      peer.receivedBytes += 1
      pass(400)
    }
    expect(peer.ending()).toBe('terminated')
  })

  test('a peer that says no hello is dropped', () => {
    const { connect, pass } = createLobby()
    const peer = connect()
    pass(4800)
    expect(peer.ending()).toBe('open')
    pass(400)
    expect(peer.ending()).toBe('terminated')
  })

  test('a worker whose computation hangs is dropped though its heartbeats go on', () => {
    const { connect, pass, reasons } = createLobby()
    const peer = connect(hello, ready)
    for (let quietMs = 400; quietMs <= 30_000; quietMs += 400) pass(400, [peer, hanging(quietMs)])
    expect(peer.ending()).toBe('open')
    pass(400, [peer, hanging(30_400)])
    expect([peer.ending(), reasons()]).toEqual(['closed', ['worker-lost: hung at step 8 for 30.4 s']])
    // Its connected thread, which is not concerned, sees to another computing thread.
    expect(peer.last('bye')).toMatchObject({ code: 'hung' })
  })

  test('a worker that reads nothing is dropped', () => {
    const { connect, pass, reasons } = createLobby()
    const peer = connect(hello, ready)
    peer.queuedBytes = 1001
    pass(400, [peer, heartbeat])
    expect([peer.ending(), reasons()]).toEqual([
      'terminated',
      ['worker-lost: stopped reading: 1.0 kB queued for it, and nothing read for 0.4 s'],
    ])
  })

  test('a worker to which nothing comes is dropped, though little is queued for it and it is heard of', () => {
    const { connect, pass, reasons } = createLobby()
    const [deaf, other] = [connect(hello, ready), connect(hello, ready)]
    // It goes on to echo what it has read last.
    const stuck = { ...heartbeat, echo: { sentMs: 0, receivedMs: 0 } }
    for (let passedMs = 0; passedMs < 60_400; passedMs += 400)
      pass(400, [deaf, stuck], [other, { ...heartbeat, echo: echoOf(other) }])
    expect(deaf.ending()).toBe('open')
    pass(400, [deaf, stuck], [other, { ...heartbeat, echo: echoOf(other) }])
    expect([deaf.ending(), other.ending()]).toEqual(['terminated', 'open'])
    expect(reasons()).toEqual(['worker-lost: stopped reading: 0 B queued for it, and nothing read for 60.4 s'])
  })

  test('a coordinator that looks late leaves that out of account', () => {
    const { membership, clock, connect, reasons } = createLobby()
    connect(hello, ready)
    for (let look = 0; look < 3; look++) {
      clock.nowMs += 1000
      membership.tick()
    }
    // Three times 400 ms of 1,000.
    clock.nowMs += 400
    membership.tick()
    expect(reasons()).toEqual([])
    clock.nowMs += 1
    membership.tick()
    expect(reasons()).toEqual(['worker-lost: silent for 1.6 s'])
  })

  test('a coordinator that was suspended drops nobody for what it could not hear', () => {
    const { membership, clock, connect, pass } = createLobby()
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

test('after a look that was late by more than half a silence all have as long as if they had just come', () => {
  const { membership, clock, connect, pass, reasons } = createLobby()
  connect(hello, ready)
  pass(800)
  clock.nowMs += 1400
  membership.tick()
  pass(1600)
  expect(reasons()).toEqual([])
  pass(400)
  expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
})

test('after a coordinator was suspended a silent worker is dropped as soon as ever', () => {
  const { membership, clock, connect, pass, reasons } = createLobby()
  const [, ...others] = Array.from({ length: 4 }, () => connect(hello, ready))
  pass(400)
  clock.nowMs += 3_600_000
  membership.tick()
  pass(2000, ...others.map(other => [other, heartbeat] as const))
  expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
})

describe('while long messages of others fill the link', () => {
  /** Workers of which the first is silent, and a function that lets time pass in which bytes of messages come from others. */
  function createCrowd() {
    const lobby = createLobby()
    const [silent, ...others] = Array.from({ length: 4 }, () => lobby.connect(hello, ready)) as [
      FakePeer,
      ...FakePeer[],
    ]
    function send(ms: number, senders: readonly FakePeer[]) {
      for (let passedMs = 0; passedMs < ms; passedMs += 400) {
        for (const other of others) {
          if (senders.includes(other)) other.receivedBytes += 1
          else other.say(heartbeat)
        }
        lobby.pass(400)
      }
    }
    return { ...lobby, silent, others, send }
  }

  test('a silent worker stays for longer', () => {
    const { others, send, reasons } = createCrowd()
    send(6000, others)
    expect(reasons()).toEqual([])
    send(400, others)
    expect(reasons()).toEqual(['worker-lost: silent for 6.4 s'])
  })

  test('a silent worker stays for longer, also when they end meanwhile', () => {
    const { others, send, reasons } = createCrowd()
    send(1200, others)
    send(4800, [])
    expect(reasons()).toEqual([])
    send(400, [])
    expect(reasons()).toEqual(['worker-lost: silent for 6.4 s'])
  })

  test('a worker that has been heard of since is dropped as soon as ever', () => {
    const { silent, others, send, reasons } = createCrowd()
    send(2400, others)
    silent.say(heartbeat)
    send(2000, [])
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })

  test('it is no reason for longer that few of the others send them', () => {
    const { others, send, reasons } = createCrowd()
    send(2000, others.slice(0, 1))
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })
})

describe('while most workers are silent at once', () => {
  const createSilence = (workers: number) => {
    const lobby = createLobby()
    return { ...lobby, peers: Array.from({ length: workers }, () => lobby.connect(hello, ready)) }
  }
  const sayAll = (peers: readonly FakePeer[]) => {
    for (const peer of peers) peer.say(heartbeat)
  }

  test('they stay for longer', () => {
    const { peers, pass, reasons } = createSilence(4)
    pass(6000, [peers[0]!, heartbeat])
    expect(reasons()).toEqual([])
    pass(400, [peers[0]!, heartbeat])
    expect(reasons()).toEqual(Array(3).fill('worker-lost: silent for 6.4 s'))
  })

  test('the last to be heard of again stays too', () => {
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

  test('one that goes on to be silent while the others do not is dropped', () => {
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

  test('peers that say no hello do not count among them', () => {
    const { peers, connect, pass, reasons } = createSilence(3)
    for (let stranger = 0; stranger < 3; stranger++) connect()
    pass(2000, [peers[0]!, heartbeat], [peers[1]!, heartbeat])
    expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
  })

  test('half of them are too few for that', () => {
    const { peers, pass, reasons } = createSilence(4)
    for (let passedMs = 0; passedMs < 2000; passedMs += 400) {
      sayAll(peers.slice(2))
      pass(400)
    }
    expect(reasons()).toEqual(Array(2).fill('worker-lost: silent for 2.0 s'))
  })
})

test('the clock of a worker is told with its times, from heartbeats that went there and back', () => {
  const { membership, connect, clock, told } = createLobby()
  const peer = connect(hello, ready)
  membership.assign(1, task)
  peer.say({ ...gradient, times: [7] }, gradientTensors)
  // Sent at 100, at the worker when its clock said 5101, answered at 5151 there, back at 152: 5000 ahead.
  clock.nowMs = 152
  peer.say({ ...heartbeat, sentMs: 5151, echo: { sentMs: 100, receivedMs: 5101 } })
  peer.say({ ...gradient, times: [8] }, gradientTensors)
  expect(told).toEqual([
    { id: 1, times: [7], offsetMs: null },
    { id: 1, times: [8], offsetMs: 5000 },
  ])
})
