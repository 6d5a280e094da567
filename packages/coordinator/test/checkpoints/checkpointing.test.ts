import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createCheckpointing } from '../../src/checkpoints/checkpointing.ts'
import { createDeferred, type Deferred } from '../../src/deferred.ts'

const full = new LockstepError('disk-full', 'the disk is full')
const superseded = new LockstepError('superseded', 'another coordinator has taken over')

/** Checkpointing of a state that is one number. The test ends each of the writes. */
function createTested() {
  const state = { step: 0 }
  const taken: number[] = []
  const memory = new Uint8Array(1)
  const writes: { readonly step: number; readonly bytes: Uint8Array; readonly done: Deferred<void> }[] = []
  const checkpointing = createCheckpointing({
    copy: () => ({ step: state.step, bytes: memory.fill(state.step) }),
    write: ({ step, bytes }) => {
      const done = createDeferred<void>()
      writes.push({ step, bytes, done })
      return done.promise
    },
    times: { isDue: step => step === 7, taken: () => void taken.push(state.step) },
    canPass: error => error === full,
  })
  return { state, taken, writes, ...checkpointing }
}

const hasSettled = (promise: Promise<void>) =>
  Promise.race([promise.then(() => true), new Promise(resolve => setImmediate(resolve)).then(() => false)])

describe('taking a checkpoint', () => {
  test('does not wait for its own write', async () => {
    const { take, writes } = createTested()
    await take()
    expect(writes).toHaveLength(1)
  })

  test('waits for the previous write before it overwrites its bytes', async () => {
    const { state, take, writes } = createTested()
    state.step = 1
    await take()
    state.step = 2
    const second = take()
    expect(await hasSettled(second)).toBe(false)
    expect(writes[0]!.bytes).toEqual(Uint8Array.of(1))
    writes[0]!.done.resolve()
    await second
    expect(writes[1]).toMatchObject({ step: 2, bytes: Uint8Array.of(2) })
  })

  test('is due when `times` says so, and is reported to it', async () => {
    const { state, take, taken, isDue } = createTested()
    state.step = 7
    expect(isDue(7)).toBe(true)
    await take()
    expect(taken).toEqual([7])
  })

  test('continues after a write that failed on a full disk', async () => {
    const { state, take, writes } = createTested()
    await take()
    writes[0]!.done.reject(full)
    state.step = 2
    await take()
    expect(writes.map(({ step }) => step)).toEqual([0, 2])
  })

  test('throws the error of the previous write if it ends the run, and writes nothing more', async () => {
    const { take, writes } = createTested()
    await take()
    writes[0]!.done.reject(superseded)
    await expect(take()).rejects.toBe(superseded)
    expect(writes).toHaveLength(1)
  })

  test('throws and writes nothing if training has diverged', async () => {
    let writes = 0
    const diverged = new LockstepError('diverged', 'training has diverged')
    const checkpointing = createCheckpointing({
      copy: () => {
        throw diverged
      },
      write: async () => void writes++,
      times: { isDue: () => false, taken: () => undefined },
      canPass: () => true,
    })
    await expect(checkpointing.take()).rejects.toBe(diverged)
    await checkpointing.settle()
    expect(writes).toBe(0)
  })
})

describe('settling', () => {
  test('resolves if no checkpoint was taken', async () => {
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

  test('repeats a failed write with the current state', async () => {
    const { state, take, settle, writes } = createTested()
    await take()
    writes[0]!.done.reject(full)
    state.step = 5
    const settled = settle()
    expect(await hasSettled(settled)).toBe(false)
    writes[1]!.done.resolve()
    await settled
    expect(writes.map(({ step }) => step)).toEqual([0, 5])
  })

  test('throws if the repeated write fails too, and tries again at the next call', async () => {
    const { take, settle, writes } = createTested()
    await take()
    writes[0]!.done.reject(full)
    const settled = settle()
    await new Promise(resolve => setImmediate(resolve))
    writes[1]!.done.reject(full)
    await expect(settled).rejects.toBe(full)
    const again = settle()
    await new Promise(resolve => setImmediate(resolve))
    writes[2]!.done.resolve()
    await again
  })

  test('throws the error of an earlier write if it ends the run', async () => {
    const { take, settle, writes } = createTested()
    await take()
    writes[0]!.done.reject(superseded)
    await new Promise(resolve => setImmediate(resolve))
    await expect(settle()).rejects.toBe(superseded)
    expect(writes).toHaveLength(1)
  })
})
