import type { createSlotFile } from '@lockstep/protocol'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createSharedMemory } from '../../src/shared-memory/shared-memory.ts'
import {
  createTestMembership,
  gradient,
  gradientTensors,
  hello,
  ready,
  task,
  taskOf,
} from '../support/test-membership.ts'
import { tinySizes } from '../support/tiny-sizes.ts'

const memory = vi.hoisted(() => ({ isShort: false }))

/** Real slot files in a memory that is full while `memory.isShort`. */
vi.mock('@lockstep/protocol', async importOriginal => {
  const original = await importOriginal<{ createSlotFile: typeof createSlotFile }>()
  return {
    ...original,
    createSlotFile: (...given: Parameters<typeof createSlotFile>) => {
      const file = original.createSlotFile(...given)
      const reserve = (slot: number) => {
        if (memory.isShort) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        file.reserve(slot)
      }
      return { ...file, reserve }
    },
  }
})

test('while shared memory is full, tasks and answers go in frames, and afterwards tasks use memory again', () => {
  const shared = createSharedMemory(tinySizes)!
  const { membership, connectFrom, answers, reasons } = createTestMembership(shared)
  onTestFinished(() => {
    membership.dismiss('finished', 'done')
    shared.close()
  })
  const peer = connectFrom('127.0.0.1:5000', hello, { ...ready, sharesMemory: true })
  memory.isShort = true
  membership.assign(1, task)
  expect(peer.received.at(-1)!.message).toMatchObject({ type: 'work', slot: null })
  peer.say(gradient, gradientTensors)
  expect([answers.length, reasons()]).toEqual([1, []])
  memory.isShort = false
  membership.assign(1, taskOf(2))
  expect(peer.received.at(-1)!.message).toMatchObject({ type: 'work', slot: expect.any(Number) })
})
