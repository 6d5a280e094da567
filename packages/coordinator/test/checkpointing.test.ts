import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createCheckpointing } from '../src/checkpointing.ts'
import { createDeferred, type Deferred } from '../src/deferred.ts'

const full = new LockstepError('disk-full', 'the disk is full')

/** Checkpointing of a state that is one number, and the writes that wait for the test to end them. */
function createTested() {
  const state = { step: 0 }
  const writes: { readonly step: number; readonly bytes: Uint8Array; readonly done: Deferred<void> }[] = []
  const checkpointing = createCheckpointing(
    () => ({ step: state.step, bytes: Uint8Array.of(state.step) }),
    (step, bytes) => {
      const done = createDeferred<void>()
      writes.push({ step, bytes, done })
      return done.promise
    },
  )
  return { state, writes, ...checkpointing }
}

const hasSettled = (promise: Promise<void>) =>
  Promise.race([promise.then(() => true), new Promise(resolve => setImmediate(resolve)).then(() => false)])

describe('taking a checkpoint', () => {
  test('does not wait for its own write', async () => {
    const { take, writes } = createTested()
    await take()
    expect(writes).toHaveLength(1)
  })

  test('waits for the write before, and keeps the state of the moment it was asked for', async () => {
    const { state, take, writes } = createTested()
    state.step = 1
    await take()
    state.step = 2
    const second = take()
    state.step = 3
    expect(await hasSettled(second)).toBe(false)
    writes[0]!.done.resolve()
    await second
    expect(writes.map(({ step, bytes }) => [step, ...bytes])).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  test('throws what the write before failed with, and writes no more', async () => {
    const { take, writes } = createTested()
    await take()
    writes[0]!.done.reject(full)
    await expect(take()).rejects.toBe(full)
    expect(writes).toHaveLength(1)
  })
})

describe('settling', () => {
  test('has nothing to wait for when nothing was taken', async () => {
    await createTested().settle()
  })

  test('waits for the last write', async () => {
    const { take, settle, writes } = createTested()
    await take()
    const settled = settle()
    expect(await hasSettled(settled)).toBe(false)
    writes[0]!.done.resolve()
    await settled
  })

  test('throws what the last write failed with, which nobody had to hear before', async () => {
    const { take, settle, writes } = createTested()
    await take()
    writes[0]!.done.reject(full)
    await new Promise(resolve => setImmediate(resolve))
    await expect(settle()).rejects.toBe(full)
  })
})
