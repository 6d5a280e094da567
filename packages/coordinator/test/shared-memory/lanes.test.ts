import { connect } from 'node:net'
import {
  type Connection,
  connectLane,
  encodeMessage,
  type LaneGreeting,
  type LockstepError,
  laneAddress,
  type Received,
} from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openLanes } from '../../src/shared-memory/lanes.ts'
import { heartbeat, runId } from '../support/test-membership.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const proof = { runId, workerId: 1, nonce: '0'.repeat(32) }

type Lane = { readonly connection: Connection; readonly received: ReturnType<typeof createHappenings<Received>> }

/** Lanes that are closed at the end of the test, for any greeting with the right nonce, and each that is opened. */
async function open(maxFrameBytes = 1000) {
  const greetings = createHappenings<LaneGreeting>()
  const opened = createHappenings<Lane>()
  const lanes = await openLanes({
    maxFrameBytes,
    onGreeting: greeting => {
      greetings.add(greeting)
      if (greeting.nonce !== proof.nonce) return null
      return connectEnd => {
        const received = createHappenings<Received>()
        opened.add({ connection: connectEnd({ onMessage: received.add, onClose: () => undefined }), received })
      }
    },
  })
  onTestFinished(lanes!.close)
  return { lanes: lanes!, greetings, opened }
}

/** A worker's end of a lane, which ends with the test. */
async function dial(name: string, nonce = proof.nonce) {
  const received = createHappenings<Received>()
  const closings = createHappenings<LockstepError | null>()
  const connection = await connectLane(name, { ...proof, nonce }, { onMessage: received.add, onClose: closings.add })
  onTestFinished(connection.terminate)
  return { connection, received, closings }
}

/** A connection that sends nothing by itself, which ends with the test, and its closing. */
function dialSilently(name: string) {
  const socket = connect(laneAddress(name))
  onTestFinished(() => void socket.destroy())
  return { socket, closed: new Promise(resolve => socket.once('close', resolve)) }
}

describe('lanes', () => {
  test('carry messages both ways for a worker that knows their name', async () => {
    const { lanes, greetings, opened } = await open()
    const worker = await dial(lanes.name)
    const lane = await opened.next()
    worker.connection.send(heartbeat)
    lane.connection.send({ ...heartbeat, step: 1 })
    expect((await lane.received.next()).message).toEqual(heartbeat)
    expect((await worker.received.next()).message).toEqual({ ...heartbeat, step: 1 })
    expect(greetings.all).toMatchObject([proof])
  })

  test('of two coordinators have different names', async () => {
    const [first, second] = [await open(), await open()]
    expect(first.lanes.name).toMatch(/^lockstep-[0-9a-f]{32}$/)
    expect(second.lanes.name).not.toBe(first.lanes.name)
    await dial(second.lanes.name)
    expect([first.opened.all.length, second.opened.all.length]).toEqual([0, 1])
  })

  test('are refused with a wrong greeting', async () => {
    const { lanes, opened } = await open()
    await expect(dial(lanes.name, 'f'.repeat(32))).rejects.toMatchObject({ code: 'connection-failed' })
    expect(opened.all).toEqual([])
  })

  test('reject a message above the size limit', async () => {
    const { lanes, opened } = await open(50)
    const worker = await dial(lanes.name)
    const lane = await opened.next()
    expect(encodeMessage(heartbeat).byteLength).toBeGreaterThan(50)
    worker.connection.send(heartbeat)
    await worker.closings.next()
    expect(lane.received.all).toEqual([])
  })

  test('end when they are closed, and accept no new connection', async () => {
    const { lanes } = await open()
    const worker = await dial(lanes.name)
    lanes.close()
    await worker.closings.next()
    await expect(dial(lanes.name)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a caller that does not identify its worker', () => {
  test('is cut off after five seconds', async () => {
    const { lanes } = await open()
    const { closed } = dialSilently(lanes.name)
    await expect.poll(() => vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(5_000)
    await closed
  })

  test('is not cut off after four', async () => {
    const { lanes } = await open()
    const { socket } = dialSilently(lanes.name)
    await expect.poll(() => vi.getTimerCount()).toBe(1)
    // The poll above advances the time, too.
    vi.advanceTimersByTime(4_000)
    await dial(lanes.name)
    expect(socket.destroyed).toBe(false)
  })

  test('clears its timeout when it leaves', async () => {
    const { lanes } = await open()
    const { socket } = dialSilently(lanes.name)
    await expect.poll(() => vi.getTimerCount()).toBe(1)
    socket.destroy()
    await expect.poll(() => vi.getTimerCount()).toBe(0)
  })
})

test('a lane stays open through an hour of silence', async () => {
  const { lanes, opened } = await open()
  const worker = await dial(lanes.name)
  const lane = await opened.next()
  vi.advanceTimersByTime(3_600_000)
  lane.connection.send(heartbeat)
  expect((await worker.received.next()).message).toEqual(heartbeat)
  expect(worker.closings.all).toEqual([])
})
