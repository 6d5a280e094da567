import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeMessage } from '../../src/codec.ts'
import { answerLane, connectLane, type LaneGreeting, readLaneGreeting } from '../../src/lane/handshake.ts'
import { createLaneName, laneAddress } from '../../src/lane/lane-name.ts'
import { createHappenings } from '../../src/testing/happenings.ts'
import { frameOfHeader, headerBombs } from '../../src/testing/header-bombs.ts'
import { createLaneRecorder, lengthOf, listen } from '../support/lanes.ts'
import { examples } from '../support/messages.ts'

const { type: _type, replyTo: _replyTo, ...proof } = examples.lane

/** A frame as it is sent on a lane. */
function framed(message: (typeof examples)[keyof typeof examples]): Buffer {
  const frame = encodeMessage(message)
  return Buffer.concat([lengthOf(frame.length), frame])
}

function dial(name: string): Socket {
  const socket = connect(laneAddress(name))
  onTestFinished(() => void socket.destroy())
  return socket
}

function closingOf(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('close', () => resolve()))
}

describe('a greeting', () => {
  /** A socket on which a greeting is awaited, and the caller at its other end. */
  async function awaitGreeting() {
    const { name, sockets } = await listen()
    const caller = dial(name)
    const socket = await sockets.next()
    const greetings = createHappenings<LaneGreeting>()
    readLaneGreeting(socket, greetings.add)
    return { caller, socket, greetings }
  }

  test('is read however it is fragmented', async () => {
    const { caller, greetings } = await awaitGreeting()
    const bytes = framed(examples.lane)
    caller.write(bytes.subarray(0, 7))
    await new Promise(resolve => setImmediate(resolve))
    caller.write(bytes.subarray(7))
    expect(await greetings.next()).toEqual(examples.lane)
  })

  test.each([
    ['another message', [framed(examples.heartbeat), framed(examples.lane)]],
    ['nonsense', [lengthOf(4), Buffer.from('what')]],
    ['a length above 1,024 bytes', [lengthOf(1025)]],
  ])('is refused if it is %s', async (_, pieces) => {
    const { caller, socket, greetings } = await awaitGreeting()
    const closed = closingOf(socket)
    caller.write(Buffer.concat(pieces))
    await closed
    expect(greetings.all).toEqual([])
  })

  test('must not be followed by anything', async () => {
    const { caller, socket, greetings } = await awaitGreeting()
    const closed = closingOf(socket)
    caller.write(Buffer.concat([framed(examples.lane), framed(examples.lane)]))
    await closed
    expect(greetings.all).toHaveLength(1)
  })

  test('that is expensive to unpack is refused with little CPU time', async () => {
    const { caller, socket } = await awaitGreeting()
    const closed = closingOf(socket)
    const frame = frameOfHeader(headerBombs['pointers to pointers']!)
    const before = process.cpuUsage()
    caller.write(Buffer.concat([lengthOf(frame.length), frame]))
    await closed
    expect(process.cpuUsage(before).user).toBeLessThan(500_000)
  })
})

describe('connecting', () => {
  test('to a name at which nothing listens fails with the reason', async () => {
    const { handlers, closings } = createLaneRecorder()
    await expect(connectLane(createLaneName(), proof, handlers)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(closings.all).toEqual([])
  })

  test('fails when the coordinator closes the connection', async () => {
    const { name, sockets } = await listen()
    const opened = connectLane(name, proof, createLaneRecorder().handlers)
    const socket = await sockets.next()
    readLaneGreeting(socket, () => socket.destroy())
    await expect(opened).rejects.toMatchObject({ code: 'connection-failed' })
  })

  test('fails when the coordinator sends anything before it answers', async () => {
    const { name, sockets } = await listen()
    const opened = connectLane(name, proof, createLaneRecorder().handlers)
    ;(await sockets.next()).write(framed(examples.heartbeat))
    await expect(opened).rejects.toMatchObject({ code: 'connection-failed' })
  })

  test('waits for the answer of the coordinator, whoever else calls', async () => {
    const { name, sockets } = await listen()
    const worker = createLaneRecorder()
    const opened = connectLane(name, proof, worker.handlers)
    const socket = await sockets.next()
    const greeting = await new Promise<LaneGreeting>(resolve => readLaneGreeting(socket, resolve))
    expect(greeting).toEqual({ ...examples.lane, replyTo: expect.stringMatching(/^lockstep-[0-9a-f]{32}$/) })
    const wrongs = [{ nonce: 'f'.repeat(32) }, { runId: 'another' }, { workerId: 2 }, { replyTo: createLaneName() }]
    for (const wrong of wrongs) {
      const stranger = dial(greeting.replyTo)
      const refused = closingOf(stranger)
      stranger.write(framed({ ...greeting, ...wrong }))
      await refused
    }
    const silent = dial(greeting.replyTo)
    const ended = closingOf(silent)
    const coordinator = createLaneRecorder()
    answerLane(socket, greeting, 1000, connectEnd => void connectEnd(coordinator.handlers))
    const connection = await opened
    onTestFinished(connection.terminate)
    connection.send(examples.heartbeat)
    expect((await coordinator.received.next()).message).toEqual(examples.heartbeat)
    await ended
    const late = dial(greeting.replyTo)
    expect(await new Promise(resolve => late.once('error', resolve))).toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('answering', () => {
  test('closes the socket where nobody listens for the answer', async () => {
    const { name, sockets } = await listen()
    dial(name)
    const socket = await sockets.next()
    const closed = closingOf(socket)
    const opened = createHappenings<unknown>()
    answerLane(socket, { ...examples.lane, replyTo: createLaneName() }, 1000, opened.add)
    await closed
    expect(opened.all).toEqual([])
  })

  test('opens no lane when the socket closes meanwhile', async () => {
    const [coordinator, thread] = [await listen(), await listen()]
    dial(coordinator.name)
    const socket = await coordinator.sockets.next()
    const opened = createHappenings<unknown>()
    answerLane(socket, { ...examples.lane, replyTo: thread.name }, 1000, opened.add)
    socket.destroy()
    const answered = await thread.sockets.next()
    answered.resume()
    await closingOf(answered)
    expect(opened.all).toEqual([])
  })
})
