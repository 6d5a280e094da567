import { connect, type Socket } from 'node:net'
import { carryMessages } from '../carry-messages.ts'
import { type Codec, createCodec, type Received } from '../codec.ts'
import { LockstepError } from '../common/error.ts'
import { type Connection, type ConnectionHandlers, maxClientFrameBytes } from '../connection.ts'
import type { Sizes } from '../messages.ts'
import { createFrameStream, lengthBytes } from './frame-stream.ts'
import { decodeSlotFrame, encodeSlotFrame, isSlotFrame } from './slot-frame.ts'

/** Read buffer of the worker's end. Messages whose tensors lie in shared memory take a few hundred bytes. */
const readBytes = 64 << 10

/** Frames up to this length are copied next to their length. */
const maxCopiedBytes = 4096

/** Far more than a `lane` message needs. */
const maxGreetingBytes = 1024

/** Linux's abstract socket of a name: it is in no folder and disappears with the listening process (unix(7)). */
export function laneAddress(name: string): string {
  return `\0${name}`
}

/**
 * Opens a lane: a Unix socket on which a coordinator and the computing thread of a worker on the same machine exchange
 * messages, with no thread in between. Resolves when it is open; throws the system's error where nobody listens.
 */
export function connectLane(name: string, handlers: ConnectionHandlers): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    let feed: (bytes: Uint8Array) => void = () => undefined
    const takeIn = (bytes: number) => {
      feed(buffer.subarray(0, bytes))
      return true
    }
    const socket = connect({ path: laneAddress(name), onread: { buffer, callback: takeIn } })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      const lane = laneOver(socket, handlers, () => maxClientFrameBytes)
      feed = lane.feed
      resolve(lane.connection)
    })
  })
}

/**
 * The coordinator's end of a lane that a worker has opened. Until `setSizes` is called, which is once the lane's worker
 * is known, it accepts no message longer than a greeting.
 */
export function acceptLane(socket: Socket, handlers: ConnectionHandlers, maxFrameBytes: number): Connection {
  let limit = Math.min(maxGreetingBytes, maxFrameBytes)
  const { connection, feed } = laneOver(socket, handlers, () => limit)
  socket.on('data', feed)
  const setSizes: Connection['setSizes'] = sizes => {
    limit = maxFrameBytes
    connection.setSizes(sizes)
  }
  return { ...connection, setSizes }
}

function laneOver(socket: Socket, handlers: ConnectionHandlers, maxFrameBytes: () => number) {
  const carrier = carryMessages(handlers, createLaneCodec(), {
    send: frame => send(socket, frame),
    close: last => {
      send(socket, last)
      socket.end()
    },
    terminate: () => socket.destroy(),
    queuedBytes: () => socket.writableLength,
    receivedBytes: () => socket.bytesRead,
  })
  const split = createFrameStream(maxFrameBytes, carrier.take)
  socket.on('error', carrier.end.because)
  socket.on('close', carrier.end.now)

  function feed(bytes: Uint8Array): void {
    try {
      split(bytes)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      carrier.fail(error)
      socket.destroy()
    }
  }

  return { connection: carrier.connection, feed }
}

/** The codec of one end of a lane. Both ends learn the run from the `lane` message that they receive first. */
function createLaneCodec(): Codec {
  const { encode, decode } = createCodec()
  let runId: string | null = null

  function decodeGeneral(frame: Uint8Array, sizes: Sizes | null): Received {
    const received = decode(frame, sizes)
    if (received.message.type === 'lane') runId = received.message.runId
    return received
  }

  return {
    encode: (message, tensors) => encodeSlotFrame(message) ?? encode(message, tensors),
    decode: (frame, sizes) => {
      if (runId === null || sizes === null || !isSlotFrame(frame)) return decodeGeneral(frame, sizes)
      return { message: decodeSlotFrame(frame, runId, sizes), tensors: {} }
    },
  }
}

function send(socket: Socket, frame: Uint8Array): void {
  if (!socket.writable) return
  const length = Buffer.allocUnsafe(lengthBytes)
  length.writeUInt32LE(frame.byteLength)
  // For a short frame, copying costs less than a system call that gathers.
  if (frame.byteLength <= maxCopiedBytes) return void socket.write(Buffer.concat([length, frame]))
  socket.cork()
  socket.write(length)
  socket.write(frame)
  socket.uncork()
}
