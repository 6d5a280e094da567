import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeMessage, type Received } from '../../src/codec.ts'
import type { Connection } from '../../src/connection.ts'
import { answerLane, connectLane, readLaneGreeting } from '../../src/lane/handshake.ts'
import { laneAddress } from '../../src/lane/lane-name.ts'
import type { Sizes } from '../../src/messages.ts'
import { createLaneRecorder, lengthOf, listen } from '../support/lanes.ts'
import { examples, exampleTensors, sizes } from '../support/messages.ts'

const bye = { type: 'bye', code: 'finished', reason: 'done' } as const
const { type: _type, replyTo: _replyTo, ...proof } = examples.lane

/** Answers the greeting on a socket, and resolves with the coordinator's end of the lane. */
function answer(socket: Socket, handlers: Parameters<typeof connectLane>[2], limit = 32 << 20): Promise<Connection> {
  return new Promise(resolve => {
    readLaneGreeting(socket, greeting => answerLane(socket, greeting, limit, connect => resolve(connect(handlers))))
  })
}

/** Both ends of a lane over real sockets. */
async function connectPair(known: Sizes | null = sizes) {
  const { name, sockets } = await listen()
  const [worker, coordinator] = [createLaneRecorder(), createLaneRecorder()]
  const opened = connectLane(name, proof, worker.handlers)
  const far = await answer(await sockets.next(), coordinator.handlers)
  const near = await opened
  if (known !== null) for (const connection of [far, near]) connection.setSizes(known)
  return { worker: { ...worker, connection: near }, coordinator: { ...coordinator, connection: far } }
}

/** A coordinator's end, and the sockets at the other end: one that the coordinator reads, one that it writes. */
async function answerStranger(limit = 1000) {
  const [coordinator, stranger] = [await listen(), await listen()]
  const recorder = createLaneRecorder()
  const written = connect(laneAddress(coordinator.name))
  onTestFinished(() => void written.destroy())
  const opened = answer(await coordinator.sockets.next(), recorder.handlers, limit)
  const greeting = encodeMessage({ ...examples.lane, replyTo: stranger.name })
  written.write(Buffer.concat([lengthOf(greeting.length), greeting]))
  const read = await stranger.sockets.next()
  read.resume()
  return { read, written, ...recorder, connection: await opened }
}

describe('a lane', () => {
  test('carries messages and tensors both ways', async () => {
    const { worker, coordinator } = await connectPair()
    worker.connection.send(examples.gradient, exampleTensors.gradient)
    coordinator.connection.send(examples.work, exampleTensors.work)
    expect(await coordinator.received.next()).toEqual({ message: examples.gradient, tensors: exampleTensors.gradient })
    expect(await worker.received.next()).toEqual({ message: examples.work, tensors: exampleTensors.work })
  })

  test('carries messages of a step in slots, for the run that the greeting names', async () => {
    const { worker, coordinator } = await connectPair()
    const [work, gradient] = [
      { ...examples.work, slot: 2 },
      { ...examples.gradient, slot: 2 },
    ]
    coordinator.connection.send(work)
    worker.connection.send(gradient)
    expect(await worker.received.next()).toEqual({ message: work, tensors: {} })
    expect(await coordinator.received.next()).toEqual({ message: gradient, tensors: {} })
  })

  test('is closed by such a message before its sizes are known', async () => {
    const { worker, coordinator } = await connectPair(null)
    worker.connection.send({ ...examples.gradient, slot: 2 })
    expect(await coordinator.closings.next()).toMatchObject({ code: 'frame-malformed' })
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
    const { read, received, connection } = await answerStranger()
    const frame = encodeMessage(examples.heartbeat)
    read.write(lengthOf(frame.length))
    read.write(frame.subarray(0, 30))
    await expect.poll(() => connection.receivedBytes(), { interval: 1 }).toBe(34)
    expect(received.all).toEqual([])
    read.write(frame.subarray(30))
    await received.next()
    expect(connection.receivedBytes()).toBe(4 + frame.length)
  })

  test('counts them at the worker’s end, too', async () => {
    const { worker, coordinator } = await connectPair()
    coordinator.connection.send(examples.heartbeat)
    await worker.received.next()
    expect(worker.connection.receivedBytes()).toBe(4 + encodeMessage(examples.heartbeat).length)
  })

  test('counts the bytes that a peer does not read', async () => {
    const { connection } = await answerStranger()
    expect(connection.queuedBytes()).toBe(0)
    // Far more than the kernel buffers.
    for (let frame = 0; frame < 64; frame++) connection.sendFrame(new Uint8Array(1 << 20))
    expect(connection.queuedBytes()).toBeGreaterThan(16 << 20)
  })
})

describe('invalid bytes', () => {
  test('end a lane with the fault, and later frames are ignored', async () => {
    const { read, received, closings } = await answerStranger()
    const frame = encodeMessage(examples.heartbeat)
    const broken = Buffer.concat([frame, Buffer.of(0)])
    read.end(Buffer.concat([lengthOf(broken.length), broken, lengthOf(frame.length), frame]))
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
    const { read, received, closings } = await answerStranger()
    read.write(lengthOf(1001))
    expect(await closings.next()).toMatchObject({ code: 'frame-malformed', expected: '≤ 1000 bytes' })
    expect(received.all).toEqual([])
  })
})

test.each(['read', 'written'] as const)('a lane ends when the socket that is %s closes', async which => {
  const lane = await answerStranger()
  lane[which].end()
  expect(await lane.closings.next()).toBeNull()
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(lane.closings.all).toHaveLength(1)
})

test('a lane is cut off by bytes on the socket that it only writes', async () => {
  const { written, received, closings } = await answerStranger()
  const frame = encodeMessage(examples.heartbeat)
  written.write(Buffer.concat([lengthOf(frame.length), frame]))
  expect(await closings.next()).toBeNull()
  expect(received.all).toEqual([])
})

function bytesOf(data: Received['tensors'][string] | undefined): Uint8Array {
  return new Uint8Array(data!.buffer, data!.byteOffset, data!.byteLength)
}
