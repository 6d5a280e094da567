import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeMessage, type Received } from '../../src/codec.ts'
import type { LockstepError } from '../../src/common/error.ts'
import { acceptLane, connectLane, laneAddress } from '../../src/lane/lane.ts'
import type { Sizes } from '../../src/messages.ts'
import { createHappenings } from '../../src/testing/happenings.ts'
import { frameOfHeader, headerBombs } from '../../src/testing/header-bombs.ts'
import { examples, exampleTensors, sizes } from '../support/messages.ts'

const bye = { type: 'bye', code: 'finished', reason: 'done' } as const
const maxFrameBytes = 32 << 20

/** What one end of a lane receives. */
function createRecorder() {
  const received = createHappenings<Received>()
  const closings = createHappenings<LockstepError | null>()
  return { handlers: { onMessage: received.add, onClose: closings.add }, received, closings }
}

/** A listener under a new name, which ends with the test, and the sockets that connect to it. */
async function listen() {
  const name = `lockstep-test-${randomBytes(8).toString('hex')}`
  const sockets = createHappenings<Socket>()
  const server = createServer(sockets.add)
  await new Promise<void>(resolve => server.listen(laneAddress(name), resolve))
  onTestFinished(() => stop(server, sockets.all))
  return { name, sockets }
}

/** Both ends of a lane over a real socket. */
async function connectPair(known: Sizes | null = sizes) {
  const { name, sockets } = await listen()
  const [worker, coordinator] = [createRecorder(), createRecorder()]
  const opened = connectLane(name, worker.handlers)
  const far = acceptLane(await sockets.next(), coordinator.handlers, maxFrameBytes)
  const near = await opened
  if (known !== null) for (const connection of [far, near]) connection.setSizes(known)
  return { worker: { ...worker, connection: near }, coordinator: { ...coordinator, connection: far } }
}

/** A coordinator's end, and a raw socket at the other end. */
async function acceptStranger(limit = 1000) {
  const { name, sockets } = await listen()
  const recorder = createRecorder()
  const stranger = connect(laneAddress(name))
  onTestFinished(() => void stranger.destroy())
  const connection = acceptLane(await sockets.next(), recorder.handlers, limit)
  return { stranger, ...recorder, connection }
}

function lengthOf(frameBytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(frameBytes)
  return length
}

describe('a lane', () => {
  test('carries messages and tensors both ways', async () => {
    const { worker, coordinator } = await connectPair()
    worker.connection.send(examples.gradient, exampleTensors.gradient)
    coordinator.connection.send(examples.work, exampleTensors.work)
    expect(await coordinator.received.next()).toEqual({ message: examples.gradient, tensors: exampleTensors.gradient })
    expect(await worker.received.next()).toEqual({ message: examples.work, tensors: exampleTensors.work })
  })

  test('carries messages of a step in slots, for the run that its first message names', async () => {
    const { worker, coordinator } = await connectPair()
    for (const { connection } of [worker, coordinator]) connection.send(examples.lane)
    const [work, gradient] = [
      { ...examples.work, slot: 2 },
      { ...examples.gradient, slot: 2 },
    ]
    coordinator.connection.send(work)
    worker.connection.send(gradient)
    const messagesAt = async ({ received }: typeof worker) => [await received.next(), await received.next()]
    expect(await messagesAt(worker)).toEqual([examples.lane, work].map(message => ({ message, tensors: {} })))
    expect(await messagesAt(coordinator)).toEqual([examples.lane, gradient].map(message => ({ message, tensors: {} })))
  })

  test('is closed by such a message before the first one, and before its sizes are known', async () => {
    for (const [known, first] of [
      [sizes, []],
      [null, [examples.lane]],
    ] as const) {
      const { worker, coordinator } = await connectPair(known)
      for (const message of [...first, { ...examples.gradient, slot: 2 }]) worker.connection.send(message)
      expect(await coordinator.closings.next()).toMatchObject({ code: 'frame-malformed' })
    }
  })

  test('carries frames of several megabytes between small ones, in order', async () => {
    const large = { ...sizes, weights: 1_500_000 }
    const { worker, coordinator } = await connectPair(large)
    const gradient = Float32Array.from({ length: large.weights }, (_, index) => index)
    const pairs = [
      { recorder: coordinator, say: worker.connection },
      { recorder: worker, say: coordinator.connection },
    ]
    for (const { say } of pairs) {
      say.send(examples.heartbeat)
      for (const step of [1, 2]) say.send({ ...examples.update, step }, { gradient })
      say.send(examples.heartbeat)
    }
    for (const { recorder } of pairs) {
      expect(await recorder.received.next()).toEqual({ message: examples.heartbeat, tensors: {} })
      for (const step of [1, 2]) {
        const { message, tensors } = await recorder.received.next()
        expect(message).toEqual({ ...examples.update, step })
        expect(Buffer.compare(bytesOf(tensors.gradient), bytesOf(gradient))).toBe(0)
      }
      expect(await recorder.received.next()).toEqual({ message: examples.heartbeat, tensors: {} })
    }
  })

  test('gives tensors their own memory, which later messages do not change', async () => {
    const { worker, coordinator } = await connectPair()
    for (let step = 0; step < 20; step++) {
      const gradient = new Float32Array(sizes.weights).fill(step)
      coordinator.connection.send({ ...examples.update, step }, { gradient })
      worker.connection.send({ ...examples.update, step }, { gradient })
    }
    for (const { received } of [worker, coordinator]) {
      for (let step = 0; step < 20; step++) await received.next()
      const firsts = received.all.map(({ tensors }) => tensors.gradient![0])
      expect(firsts).toEqual(Array.from({ length: 20 }, (_, step) => step))
    }
  })

  test('says goodbye after all earlier messages, and nothing more', async () => {
    const { worker, coordinator } = await connectPair()
    worker.connection.send(examples.heartbeat)
    worker.connection.close(bye)
    worker.connection.send(examples.heartbeat)
    expect(await coordinator.closings.next()).toBeNull()
    expect(coordinator.received.all.map(({ message }) => message)).toEqual([examples.heartbeat, bye])
    expect(await worker.closings.next()).toBeNull()
  })

  test('ends at both ends when it is cut off, whichever end does it', async () => {
    for (const end of ['worker', 'coordinator'] as const) {
      const pair = await connectPair()
      pair[end].connection.terminate()
      expect(await Promise.all([pair.worker.closings.next(), pair.coordinator.closings.next()])).toEqual([null, null])
    }
  })

  test('drops messages that are sent after its end', async () => {
    const { worker, coordinator } = await connectPair()
    coordinator.connection.terminate()
    await Promise.all([worker.closings.next(), coordinator.closings.next()])
    for (const { connection } of [worker, coordinator]) {
      connection.send(examples.heartbeat)
      connection.close(bye)
    }
    expect([worker.received.all, coordinator.received.all]).toEqual([[], []])
  })

  test('counts received bytes before a message is complete', async () => {
    const { stranger, received, connection } = await acceptStranger()
    const frame = encodeMessage(examples.heartbeat)
    stranger.write(lengthOf(frame.length))
    stranger.write(frame.subarray(0, 30))
    await expect.poll(() => connection.receivedBytes(), { interval: 1 }).toBe(34)
    expect(received.all).toEqual([])
    stranger.write(frame.subarray(30))
    await received.next()
    expect(connection.receivedBytes()).toBe(4 + frame.length)
  })

  test('counts them at the worker’s end, too', async () => {
    const { worker, coordinator } = await connectPair()
    expect(worker.connection.receivedBytes()).toBe(0)
    coordinator.connection.send(examples.heartbeat)
    await worker.received.next()
    expect(worker.connection.receivedBytes()).toBe(4 + encodeMessage(examples.heartbeat).length)
  })

  test('counts the bytes that a peer does not read', async () => {
    const { stranger, connection } = await acceptStranger()
    await once(stranger, 'connect')
    expect(connection.queuedBytes()).toBe(0)
    // Far more than the kernel buffers.
    for (let frame = 0; frame < 64; frame++) connection.sendFrame(new Uint8Array(1 << 20))
    expect(connection.queuedBytes()).toBeGreaterThan(16 << 20)
  })
})

describe('invalid bytes', () => {
  test('end a lane with the fault, and later frames are ignored', async () => {
    const { stranger, received, closings } = await acceptStranger()
    const frame = encodeMessage(examples.heartbeat)
    const broken = Buffer.concat([frame, Buffer.of(0)])
    stranger.end(Buffer.concat([lengthOf(broken.length), broken, lengthOf(frame.length), frame]))
    expect(await closings.next()).toMatchObject({ code: 'frame-malformed' })
    expect(received.all).toEqual([])
  })

  test('are answered with a refusal', async () => {
    const { worker, coordinator } = await connectPair(null)
    worker.connection.send(examples.gradient, exampleTensors.gradient)
    expect((await worker.received.next()).message).toMatchObject({ type: 'bye', code: 'refused' })
    expect(await coordinator.closings.next()).toMatchObject({ code: 'message-invalid' })
    expect(await worker.closings.next()).toBeNull()
  })

  test('cut a lane off if they announce a length above the limit', async () => {
    const { stranger, received, closings } = await acceptStranger()
    stranger.write(lengthOf(1001))
    expect(await closings.next()).toMatchObject({ code: 'frame-malformed', expected: '≤ 1000 bytes' })
    expect(received.all).toEqual([])
  })
})

test('a lane that has not been greeted accepts no frame above 1,024 bytes', async () => {
  const { stranger, closings, connection } = await acceptStranger(maxFrameBytes)
  stranger.write(lengthOf(1025))
  expect(await closings.next()).toMatchObject({ code: 'frame-malformed', expected: '≤ 1024 bytes' })
  expect(connection.receivedBytes()).toBe(4)
})

test('an expensive greeting of a stranger is refused with little CPU time', async () => {
  const { stranger, closings } = await acceptStranger(maxFrameBytes)
  const greeting = frameOfHeader(headerBombs['pointers to pointers']!)
  const before = process.cpuUsage()
  stranger.end(Buffer.concat([lengthOf(greeting.length), greeting]))
  expect(await closings.next()).toMatchObject({ code: 'frame-malformed' })
  expect(process.cpuUsage(before).user).toBeLessThan(500_000)
})

describe('connecting', () => {
  test('to a name at which nothing listens fails with the reason', async () => {
    const { handlers, closings } = createRecorder()
    await expect(connectLane('lockstep-nobody', handlers)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(closings.all).toEqual([])
  })
})

function bytesOf(data: Received['tensors'][string] | undefined): Uint8Array {
  return new Uint8Array(data!.buffer, data!.byteOffset, data!.byteLength)
}

async function stop(server: Server, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise(resolve => server.close(resolve))
}
