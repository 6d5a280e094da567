import { type Connection, connectLane, encodeMessage, type LockstepError, type Received } from '@lockstep/protocol'
import { createHappenings, frameOfHeader, headerBombs } from '@lockstep/protocol/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openLanes } from '../../src/shared-memory/lanes.ts'
import { heartbeat } from '../support/test-membership.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

type Lane = {
  readonly connection: Connection
  readonly greeted: () => void
  readonly received: ReturnType<typeof createHappenings<Received>>
}

/** Lanes that are closed at the end of the test, and each lane that a worker has opened. */
async function open(maxFrameBytes = 1000) {
  const arrived = createHappenings<Lane>()
  const lanes = await openLanes({
    maxFrameBytes,
    onLane: (connect, greeted) => {
      const received = createHappenings<Received>()
      arrived.add({ connection: connect({ onMessage: received.add, onClose: () => undefined }), greeted, received })
    },
  })
  onTestFinished(lanes!.close)
  return { lanes: lanes!, arrived }
}

/** A worker's end of a lane, which ends with the test. */
async function dial(name: string) {
  const received = createHappenings<Received>()
  const closings = createHappenings<LockstepError | null>()
  const connection = await connectLane(name, { onMessage: received.add, onClose: closings.add })
  onTestFinished(connection.terminate)
  return { connection, received, closings }
}

describe('lanes', () => {
  test('carry messages both ways for a worker that knows their name', async () => {
    const { lanes, arrived } = await open()
    const worker = await dial(lanes.name)
    const lane = await arrived.next()
    worker.connection.send(heartbeat)
    lane.connection.send({ ...heartbeat, step: 1 })
    expect((await lane.received.next()).message).toEqual(heartbeat)
    expect((await worker.received.next()).message).toEqual({ ...heartbeat, step: 1 })
  })

  test('of two coordinators have different names', async () => {
    const [first, second] = [await open(), await open()]
    expect(first.lanes.name).toMatch(/^lockstep-[0-9a-f]{32}$/)
    expect(second.lanes.name).not.toBe(first.lanes.name)
    await dial(second.lanes.name)
    await second.arrived.next()
    expect(first.arrived.all).toEqual([])
  })

  test('reject a message above the size limit', async () => {
    const { lanes, arrived } = await open(50)
    const worker = await dial(lanes.name)
    const lane = await arrived.next()
    expect(encodeMessage(heartbeat).byteLength).toBeGreaterThan(50)
    worker.connection.send(heartbeat)
    await worker.closings.next()
    expect(lane.received.all).toEqual([])
  })

  test('refuse an expensive header with little CPU time', async () => {
    const { lanes, arrived } = await open(1 << 20)
    const stranger = await dial(lanes.name)
    const lane = await arrived.next()
    const before = process.cpuUsage()
    stranger.connection.sendFrame(frameOfHeader(headerBombs['pointers to pointers']!))
    expect((await stranger.received.next()).message).toMatchObject({ type: 'bye', code: 'refused' })
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
    expect(lane.received.all).toEqual([])
  })

  test('end when they are closed, and accept no new connection', async () => {
    const { lanes, arrived } = await open()
    const worker = await dial(lanes.name)
    ;(await arrived.next()).greeted()
    lanes.close()
    await worker.closings.next()
    await expect(dial(lanes.name)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a lane that does not identify its worker', () => {
  test('is cut off after five seconds, even if it carries other messages', async () => {
    const { lanes, arrived } = await open()
    const worker = await dial(lanes.name)
    const lane = await arrived.next()
    vi.advanceTimersByTime(4_999)
    worker.connection.send(heartbeat)
    await lane.received.next()
    vi.advanceTimersByTime(1)
    await worker.closings.next()
  })

  test('clears its timeout when its peer leaves', async () => {
    const { lanes, arrived } = await open()
    const worker = await dial(lanes.name)
    await arrived.next()
    expect(vi.getTimerCount()).toBe(1)
    worker.connection.terminate()
    await expect.poll(() => vi.getTimerCount()).toBe(0)
  })
})

test('a lane that has identified its worker stays open through an hour of silence', async () => {
  const { lanes, arrived } = await open()
  const worker = await dial(lanes.name)
  const lane = await arrived.next()
  lane.greeted()
  vi.advanceTimersByTime(3_600_000)
  lane.connection.send(heartbeat)
  expect((await worker.received.next()).message).toEqual(heartbeat)
  expect(worker.closings.all).toEqual([])
})
