import type { MessageOf, Received } from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SessionTerms } from '../src/compute-messages.ts'
import { openLane } from '../src/lane.ts'
import { runId, welcome } from './support/configuration.ts'
import { listenForLanes } from './support/lane-listener.ts'
import { createSlotFiles } from './support/slot-files.ts'

const heartbeat: MessageOf<'heartbeat'> = {
  type: 'heartbeat',
  runId,
  step: 7,
  pending: 0,
  quietMs: 0,
  sentMs: 0,
  echo: null,
}

/** The terms of a session with a coordinator whose lanes have this name. */
function termsWith(lane: string | null): SessionTerms & { readonly sharedMemory: { readonly nonce: string } } {
  const { offer } = createSlotFiles(4096)
  return { ...welcome, sharedMemory: { ...offer, lane } }
}

/** A lane that is being opened. */
async function beginToOpen() {
  const { name, callers } = await listenForLanes()
  const terms = termsWith(name)
  const received = createHappenings<Received>()
  const opened = openLane(terms, received.add)
  return { terms, received, opened, caller: await callers.next() }
}

describe('a worker has no lane', () => {
  test('if it shares no memory with the coordinator', async () => {
    expect(await openLane({ ...welcome, sharedMemory: null }, () => undefined)).toBeNull()
  })

  test('if none is offered', async () => {
    expect(await openLane(termsWith(null), () => undefined)).toBeNull()
  })

  test('if no listener has its name', async () => {
    expect(await openLane(termsWith(`lockstep-${'0'.repeat(32)}`), () => undefined)).toBeNull()
  })

  test('if the coordinator cuts it off after the greeting', async () => {
    const { opened, caller, received } = await beginToOpen()
    caller.socket.destroy()
    expect(await opened).toBeNull()
    expect(received.all).toEqual([])
  })
})

describe('a lane', () => {
  test('is opened by a greeting with the worker and the nonce', async () => {
    const { terms, caller, opened } = await beginToOpen()
    expect(caller.greeting).toMatchObject({ type: 'lane', runId, workerId: 1, nonce: terms.sharedMemory.nonce })
    caller.socket.destroy()
    await opened
  })

  test('carries messages and tensors both ways', async () => {
    const { caller, opened, received } = await beginToOpen()
    const far = await caller.answer()
    const near = await opened
    onTestFinished(() => near?.terminate())
    near!.send(heartbeat)
    expect((await far.received.next()).message).toEqual(heartbeat)
    const work: MessageOf<'work'> = { type: 'work', runId, step: 3, shard: 1, count: 1, slot: null }
    const tensors = { pixels: new Uint8Array(3072).fill(9), labels: Uint8Array.of(4), keys: Int32Array.of(-5) }
    far.connection.send(work, tensors)
    expect(await received.next()).toEqual({ message: work, tensors })
  })
})
