import type { PackedGradient } from '@lockstep/model/arithmetic'
import { type MessageOf, openSlotFile, type SharedMemoryOffer } from '@lockstep/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SendableTask } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'
import { createSharedMemory } from '../../src/shared-memory/shared-memory.ts'
import { workKey } from '../../src/training/batch-gradient.ts'
import type { FakePeer } from '../support/fake-peer.ts'
import {
  createTestMembership,
  gradient,
  gradientTensors,
  heartbeat,
  hello,
  mean,
  ready,
  task,
  update,
} from '../support/test-membership.ts'
import { tinySize } from '../support/tiny-engine.ts'
import { tinySizes } from '../support/tiny-sizes.ts'

const here = '127.0.0.1:5000'

/** A membership with real shared memory. */
function createSharingMembership() {
  const memory = createSharedMemory(tinySizes)!
  const base = createTestMembership(memory)
  onTestFinished(() => {
    base.membership.dismiss('finished', 'done')
    memory.close()
  })

  /** An active worker on this machine that shares memory. */
  function joinHere() {
    const peer = base.connectFrom(here, hello, { ...ready, sharesMemory: true })
    const { desk, board, nonce } = peer.last('welcome')!.sharedMemory as SharedMemoryOffer
    const files = { desk: openSlotFile(desk, nonce, 'r+')!, board: openSlotFile(board, nonce, 'r')! }
    onTestFinished(() => {
      files.desk.close()
      files.board.close()
    })
    return { peer, ...files }
  }

  return { ...base, joinHere }
}

const taskOf = (step: number): SendableTask<Answer> => ({
  ...task,
  key: workKey(step, 1),
  step,
  order: { type: 'work', runId: 'run-1', step, shard: 1, count: 5 },
})

const lastReceived = (peer: FakePeer) => peer.received.at(-1)!
const slotOf = (peer: FakePeer) => (lastReceived(peer).message as MessageOf<'update'>).slot

/** The elements of a gradient that an answer brings. */
function bringsTo(answer: Answer): readonly number[] {
  const into: PackedGradient = new Float32Array(tinySize)
  answer.readGradient(into)
  return [...into]
}

describe('shared memory', () => {
  test.each(['127.0.0.1:5000', '127.8.0.1:5000', '::1:5000', '::ffff:127.0.0.1:5000'])(
    'is offered to a peer at %s',
    address => {
      const peer = createSharingMembership().connectFrom(address, hello)
      expect(peer.last('welcome')?.sharedMemory).toMatchObject({ nonce: expect.stringMatching(/^[0-9a-f]{32}$/) })
    },
  )

  test.each(['10.0.0.1:5000', '1.127.0.0:1270', 'fe80::1:5000', '::1234:5000', '::ffff:10.0.0.1:127'])(
    'is not offered to a peer at %s',
    address => {
      expect(createSharingMembership().connectFrom(address, hello).last('welcome')?.sharedMemory).toBeNull()
    },
  )

  test('is not offered if there is none', () => {
    const { connectFrom } = createTestMembership(null)
    expect(connectFrom(here, hello).last('welcome')?.sharedMemory).toBeNull()
  })

  test('is not offered to a peer without the token', () => {
    const peer = createSharingMembership().connectFrom(here, { ...hello, token: 'wrong' })
    expect(peer.received.map(({ message }) => message.type)).toEqual(['bye'])
  })
})

describe('a task', () => {
  test('goes through shared memory to a worker that shares it', () => {
    const { membership, joinHere } = createSharingMembership()
    const { peer, desk } = joinHere()
    const tensors = { pixels: new Uint8Array(5 * 3072).fill(7), labels: Uint8Array.of(1, 2, 3, 4, 5) }
    const keys = Int32Array.of(-1, -2, -3, -4, -5)
    membership.assign(1, { ...task, tensors: () => ({ ...tensors, keys }) })
    expect(lastReceived(peer)).toEqual({ message: { ...task.order, slot: 0 }, tensors: {} })
    const arrived = [new Uint8Array(5 * 3072), new Uint8Array(5), new Int32Array(5)]
    desk.read(0, arrived)
    expect(arrived).toEqual([tensors.pixels, tensors.labels, keys])
  })

  test('goes in the frame to a worker that does not share memory, on this machine or another', () => {
    const { membership, connectFrom, connect } = createSharingMembership()
    const peers = [connectFrom(here, hello, ready), connect(hello, ready)]
    for (const [index, peer] of peers.entries()) {
      membership.assign(index + 1, task)
      expect(lastReceived(peer)).toEqual({ message: { ...task.order, slot: null }, tensors: task.tensors() })
    }
  })

  test('goes in the frame while no slot is free', () => {
    const { membership, joinHere } = createSharingMembership()
    const { peer } = joinHere()
    // A desk has 64 slots.
    for (let step = 0; step < 64; step++) membership.assign(1, taskOf(step))
    expect(slotOf(peer)).toBe(63)
    membership.assign(1, taskOf(64))
    expect(lastReceived(peer)).toEqual({ message: { ...taskOf(64).order, slot: null }, tensors: task.tensors() })
    // A worker at step 10 no longer needs the slots of earlier steps.
    peer.say({ ...heartbeat, step: 10 })
    membership.assign(1, taskOf(65))
    expect(slotOf(peer)).toBe(0)
  })
})

describe('a gradient', () => {
  test('is read from the slot of its task', () => {
    const { membership, joinHere, answers, answering } = createSharingMembership()
    const { peer, desk } = joinHere()
    membership.assign(1, task)
    desk.write(0, [mean])
    let brought: readonly number[] = []
    answering.take = answer => {
      brought = bringsTo(answer)
    }
    peer.say({ ...gradient, slot: 0 })
    expect(brought).toEqual([...mean])
    expect(answers).toHaveLength(1)
  })

  test('frees the slots of earlier tasks for the next one', () => {
    const { membership, joinHere } = createSharingMembership()
    const { peer } = joinHere()
    for (const step of [0, 1, 2]) membership.assign(1, taskOf(step))
    peer.say({ ...gradient, step: 1, slot: 1 })
    membership.assign(1, taskOf(3))
    // The slots of steps 0 and 1 are free: a worker that answers for step 1 has finished step 0.
    expect(slotOf(peer)).toBe(0)
  })

  test('is read from the frame if its task came in a frame', () => {
    const { membership, connect, answers } = createSharingMembership()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say(gradient, gradientTensors)
    expect(answers.map(bringsTo)).toEqual([new Array(tinySize).fill(0)])
  })

  test.each([
    ['in another slot', 1, 'a gradient in slot 1 instead of 0'],
    ['in the frame instead of its slot', null, 'a gradient in slot null instead of 0'],
  ])('%s is refused', (_, slot, reason) => {
    const { membership, joinHere, answers, reasons } = createSharingMembership()
    const { peer } = joinHere()
    membership.assign(1, task)
    peer.say({ ...gradient, slot }, slot === null ? gradientTensors : {})
    expect(peer.last('bye')).toEqual({ type: 'bye', code: 'refused', reason })
    expect([answers, reasons()]).toEqual([[], [`worker-lost: refused: ${reason}`]])
  })

  test('in a slot is refused from a worker that shares no memory', () => {
    const { membership, connect, answers } = createSharingMembership()
    const peer = connect(hello, ready)
    membership.assign(1, task)
    peer.say({ ...gradient, slot: 0 })
    expect(peer.last('bye')).toMatchObject({ code: 'refused', reason: 'a gradient in slot 0 instead of null' })
    expect(answers).toEqual([])
  })

  test('of a step that its worker has passed is ignored, since its slot may have been used again', () => {
    const { membership, joinHere, answers } = createSharingMembership()
    const { peer } = joinHere()
    membership.assign(1, task)
    peer.say({ ...heartbeat, step: 1 })
    membership.assign(1, taskOf(1))
    peer.say({ ...gradient, slot: 0 })
    expect([answers, peer.ending()]).toEqual([[], 'open'])
    peer.say({ ...gradient, step: 1, slot: 0 })
    expect(answers.map(({ message }) => message.step)).toEqual([1])
  })
})

describe('an update', () => {
  test('is in one slot for all workers that share memory, and goes in frames to the others', () => {
    const { membership, joinHere, connect, connectFrom } = createSharingMembership()
    const sharing = [joinHere(), joinHere()]
    const others = [connect(hello, ready), connectFrom(here, hello, ready)]
    membership.broadcast(update, mean)
    for (const { peer, board } of sharing) {
      expect(lastReceived(peer)).toEqual({ message: { ...update, slot: 0 }, tensors: {} })
      const into = new Float32Array(tinySize)
      board.read(0, [into])
      expect(into).toEqual(mean)
    }
    for (const peer of others) {
      expect(lastReceived(peer)).toEqual({ message: { ...update, slot: null }, tensors: { gradient: mean } })
    }
  })

  test('goes in frames to all workers while the slowest one holds every slot', () => {
    const { membership, joinHere } = createSharingMembership()
    const [fast, slow] = [joinHere(), joinHere()]
    // The board has 64 slots, and the slow worker has not reported that it applied any update.
    for (let step = 0; step < 64; step++) {
      membership.broadcast({ ...update, step }, mean)
      fast.peer.say({ ...heartbeat, step: step + 1 })
    }
    expect([slotOf(fast.peer), slotOf(slow.peer)]).toEqual([63, 63])
    membership.broadcast({ ...update, step: 64 }, mean)
    for (const { peer } of [fast, slow]) {
      expect(lastReceived(peer)).toEqual({ message: { ...update, step: 64, slot: null }, tensors: { gradient: mean } })
    }
    slow.peer.say({ ...heartbeat, step: 2 })
    membership.broadcast({ ...update, step: 65 }, mean)
    expect([slotOf(fast.peer), slotOf(slow.peer)]).toEqual([0, 0])
  })

  test('does not keep slots for a worker that has left', () => {
    const { membership, joinHere } = createSharingMembership()
    const [fast, slow] = [joinHere(), joinHere()]
    for (let step = 0; step < 64; step++) membership.broadcast({ ...update, step }, mean)
    fast.peer.say({ ...heartbeat, step: 64 })
    slow.peer.hangUp()
    membership.broadcast({ ...update, step: 64 }, mean)
    expect(slotOf(fast.peer)).toBe(0)
  })

  test('is known to need no frames as long as all workers share memory', () => {
    const { membership, joinHere, connect } = createSharingMembership()
    joinHere()
    expect(membership.allShareMemory()).toBe(true)
    connect(hello, ready)
    expect(membership.allShareMemory()).toBe(false)
  })
})
