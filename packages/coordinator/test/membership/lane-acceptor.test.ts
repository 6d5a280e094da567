import { type LaneGreeting, LockstepError, openSlotFile, type SharedMemoryOffer } from '@lockstep/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createSharedMemory } from '../../src/shared-memory/shared-memory.ts'
import { createFakePeer, type FakePeer } from '../support/fake-peer.ts'
import {
  createTestMembership,
  gradient,
  heartbeat,
  hello,
  mean,
  ready,
  runId,
  task,
  update,
} from '../support/test-membership.ts'
import { tinySize } from '../support/tiny-engine.ts'
import { tinySizes } from '../support/tiny-sizes.ts'

const laneName = `lockstep-${'1'.repeat(32)}`
const replyTo = `lockstep-${'2'.repeat(32)}`
const sharing = { ...ready, sharesMemory: true }

/** A membership that offers lanes to workers on this machine. */
function createMembershipWithLanes() {
  const memory = createSharedMemory(tinySizes, laneName)!
  const base = createTestMembership(memory)
  const { membership, connectFrom } = base
  onTestFinished(() => {
    membership.dismiss('finished', 'done')
    memory.close()
  })

  /** A worker on this machine, and the greeting that its computing thread has to send on a lane. */
  function arrive() {
    const peer = connectFrom('127.0.0.1:5000', hello)
    const { workerId, sharedMemory } = peer.last('welcome')!
    const offer = sharedMemory as SharedMemoryOffer
    const claim: LaneGreeting = { type: 'lane', runId, workerId, nonce: offer.nonce, replyTo }
    return { peer, offer, claim }
  }

  /** A lane with this greeting; null where the greeting is refused. */
  function openLane(greeting: LaneGreeting): FakePeer | null {
    const open = membership.acceptLane(greeting)
    const lane = createFakePeer()
    open?.(lane.connect)
    return open && lane
  }

  /** An active worker with a lane. */
  function joinByLane() {
    const { peer, offer, claim } = arrive()
    const lane = openLane(claim)!
    peer.say(sharing)
    return { peer, offer, lane }
  }

  return { ...base, arrive, openLane, joinByLane }
}

type Lanes = ReturnType<typeof createMembershipWithLanes>

const typesSentTo = (peer: FakePeer) => peer.received.map(({ message }) => message.type)

describe('a lane', () => {
  test('is offered by name', () => {
    expect(createMembershipWithLanes().arrive().offer.lane).toBe(laneName)
  })

  test('is accepted for the worker that it names', () => {
    const { arrive, openLane } = createMembershipWithLanes()
    expect(openLane(arrive().claim)?.ending()).toBe('open')
  })

  test.each<[string, Partial<LaneGreeting>]>([
    ['with another nonce', { nonce: 'f'.repeat(32) }],
    ['for another run', { runId: 'another' }],
    ['for an unknown worker', { workerId: 2 }],
  ])('is refused %s', (_, wrong) => {
    const { arrive, openLane } = createMembershipWithLanes()
    expect(openLane({ ...arrive().claim, ...wrong })).toBeNull()
  })

  test('is refused for a worker on another machine', () => {
    const { arrive, connect, openLane } = createMembershipWithLanes()
    const { claim } = arrive()
    const { workerId } = connect(hello).last('welcome')!
    expect(openLane({ ...claim, workerId })).toBeNull()
  })

  test('is refused if its worker has one already', () => {
    const { arrive, openLane } = createMembershipWithLanes()
    const { claim } = arrive()
    const first = openLane(claim)
    expect([first?.ending(), openLane(claim)]).toEqual(['open', null])
  })

  test('is refused if its worker is active already; the worker continues without one', () => {
    const { membership, arrive, openLane } = createMembershipWithLanes()
    const { peer, claim } = arrive()
    peer.say(sharing)
    expect(openLane(claim)).toBeNull()
    membership.assign(1, task)
    expect(typesSentTo(peer)).toEqual(['welcome', 'state', 'work'])
  })

  test('is refused if its worker has left', () => {
    const { arrive, openLane } = createMembershipWithLanes()
    const { peer, claim } = arrive()
    peer.hangUp()
    expect(openLane(claim)).toBeNull()
  })

  test.each<[string, (lanes: Lanes & ReturnType<Lanes['arrive']>) => void]>([
    ['has become active', ({ peer }) => peer.say(sharing)],
    ['has left', ({ peer }) => peer.hangUp()],
    ['has opened another', ({ openLane, claim }) => openLane(claim)],
  ])('is terminated if its worker %s by the time it is open', (_, change) => {
    const lanes = createMembershipWithLanes()
    const arrival = lanes.arrive()
    const open = lanes.membership.acceptLane(arrival.claim)!
    change({ ...lanes, ...arrival })
    const late = createFakePeer()
    open(late.connect)
    expect(late.ending()).toBe('terminated')
    late.hangUp()
    lanes.pass(400, [arrival.peer, heartbeat])
    expect(lanes.reasons()).not.toContain('worker-lost: its computing thread hung up')
  })
})

describe('a worker with a lane', () => {
  test('gets the messages for its replica through the lane, and all others through the connection', () => {
    const { membership, joinByLane, pass } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    membership.assign(1, task)
    membership.broadcast(update, mean)
    const order = { type: 'evaluate', runId, step: 1, chunk: 0, count: 5 } as const
    const { keys: _, ...samples } = task.tensors()
    membership.assign(1, { ...task, key: 'chunk', order, tensors: () => samples })
    membership.resendState(1)
    membership.tell(1, { type: 'recall', runId, step: 0 })
    pass(400, [peer, heartbeat])
    membership.dismiss('finished', 'done')
    expect(typesSentTo(lane)).toEqual(['state', 'work', 'update', 'evaluate', 'state'])
    expect(typesSentTo(peer)).toEqual(['welcome', 'recall', 'heartbeat', 'bye'])
  })

  test('gets tensors through shared memory', () => {
    const { membership, joinByLane } = createMembershipWithLanes()
    const { lane } = joinByLane()
    membership.assign(1, task)
    membership.broadcast(update, mean)
    expect(lane.received.slice(-2)).toEqual([
      { message: { ...task.order, slot: 0 }, tensors: {} },
      { message: { ...update, slot: 0 }, tensors: {} },
    ])
  })

  test('answers through the lane', () => {
    const { membership, joinByLane, answers, answering } = createMembershipWithLanes()
    const { offer, lane } = joinByLane()
    const desk = openSlotFile(offer.desk, offer.nonce, 'r+')!
    onTestFinished(desk.close)
    membership.assign(1, task)
    desk.write(0, [mean])
    const brought = new Float32Array(tinySize)
    answering.take = answer => answer.readGradient(brought)
    lane.say({ ...gradient, slot: 0 })
    expect(answers).toMatchObject([{ workerId: 1, message: { type: 'gradient', shard: 1 } }])
    expect(brought).toEqual(mean)
  })

  test('is refused for a wrong answer on the lane, which is terminated too', () => {
    const { membership, joinByLane, reasons } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    membership.assign(1, task)
    lane.say({ ...gradient, slot: 7 })
    const reason = 'a gradient in slot 7 instead of 0'
    expect([peer.last('bye'), lane.ending()]).toEqual([{ type: 'bye', code: 'refused', reason }, 'terminated'])
    expect(reasons()).toEqual([`worker-lost: refused: ${reason}`])
  })

  test('does not count as silent while bytes arrive on its lane', () => {
    const { joinByLane, pass } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    for (let tick = 0; tick < 10; tick++) {
      lane.receivedBytes += 1
      pass(400)
    }
    expect(peer.ending()).toBe('open')
  })

  test('is dropped if it does not read its lane', () => {
    const { joinByLane, pass, reasons } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    lane.queuedBytes = 1000
    pass(400, [peer, heartbeat])
    expect(lane.ending()).toBe('open')
    lane.queuedBytes = 1001
    pass(400, [peer, heartbeat])
    expect([lane.ending(), peer.ending()]).toEqual(['terminated', 'terminated'])
    expect(reasons()).toEqual(['worker-lost: stopped reading: 1.0 kB queued for it, and nothing read for 0.8 s'])
  })
})

describe('a lane that closes', () => {
  test('means the loss of its worker, after a moment in which it can say why', () => {
    const { membership, clock, joinByLane, reasons } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    lane.hangUp()
    clock.nowMs += 200
    membership.tick()
    expect([membership.active(), peer.ending()]).toEqual([1, 'open'])
    clock.nowMs += 1
    membership.tick()
    expect([membership.active(), peer.ending()]).toEqual([0, 'terminated'])
    expect(reasons()).toEqual(['worker-lost: its computing thread hung up'])
  })

  test('because of a malformed frame means the loss of its worker, too', () => {
    const { joinByLane, pass, reasons } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    lane.hangUp(new LockstepError('frame-malformed', 'nonsense'))
    pass(400, [peer, heartbeat])
    expect(reasons()).toEqual(['worker-lost: its computing thread hung up'])
  })

  test('because of an invalid message means that its worker is refused at once, with the reason', () => {
    const { joinByLane, membership, reasons } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    const details = { expected: 'float32[27]', received: 'float32[3]' }
    lane.hangUp(new LockstepError('message-invalid', 'tensor gradient', details))
    const reason = 'tensor gradient: expected float32[27], received float32[3]'
    expect([peer.last('bye'), reasons()]).toEqual([
      { type: 'bye', code: 'refused', reason },
      [`worker-lost: refused: ${reason}`],
    ])
    expect(membership.everActive()).toMatchObject([{ refused: 1, gone: true }])
  })

  test('does not replace the reason that the worker gives', () => {
    const { joinByLane, pass, reasons } = createMembershipWithLanes()
    const { peer, lane } = joinByLane()
    lane.hangUp()
    peer.say({ type: 'bye', code: 'failed', reason: 'out of memory' })
    pass(400)
    expect(reasons()).toEqual(['worker-lost: out of memory'])
  })

  test('before its worker is ready means the loss of the worker once it is ready', () => {
    const { arrive, openLane, pass, reasons } = createMembershipWithLanes()
    const { peer, claim } = arrive()
    openLane(claim)!.hangUp()
    pass(400, [peer, heartbeat])
    expect(reasons()).toEqual([])
    peer.say(sharing)
    pass(400, [peer, heartbeat])
    expect(reasons()).toEqual(['worker-lost: its computing thread hung up'])
  })

  test.each<[string, (lanes: Lanes) => FakePeer]>([
    ['is active', ({ joinByLane }) => joinByLane().lane],
    ['is getting ready', ({ arrive, openLane }) => openLane(arrive().claim)!],
  ])('because of an invalid message is not held against a worker that %s when the run ends', (_, come) => {
    const lanes = createMembershipWithLanes()
    const lane = come(lanes)
    lanes.membership.dismiss('finished', 'done')
    const before = lanes.events.length
    lane.hangUp(new LockstepError('message-invalid', 'tensor gradient'))
    expect(lanes.events.slice(before)).toEqual([])
    expect(lanes.membership.everActive().map(({ refused }) => refused)).not.toContain(1)
  })
})

describe('the lane of a worker', () => {
  test.each([
    ['when the worker says goodbye', ({ peer }) => peer.say({ type: 'bye', code: 'leaving', reason: 'enough' })],
    ['when the connection of the worker is lost', ({ peer }) => peer.hangUp()],
    ['when the worker falls silent', ({ pass }) => pass(2000)],
    ['when the run ends', ({ membership }) => membership.dismiss('finished', 'done')],
  ] satisfies [string, (lanes: { peer: FakePeer } & Lanes) => void][])('is terminated %s', (_, end) => {
    const lanes = createMembershipWithLanes()
    const { peer, lane } = lanes.joinByLane()
    end({ ...lanes, peer })
    expect(lane.ending()).toBe('terminated')
  })
})
