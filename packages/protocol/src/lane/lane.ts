import { connect, type Socket } from 'node:net'
import { carryMessages } from '../carry-messages.ts'
import { type Codec, createCodec } from '../codec.ts'
import { LockstepError } from '../common/error.ts'
import type { Connection, ConnectionHandlers } from '../connection.ts'
import { createFrameStream, lengthBytes } from './frame-stream.ts'
import { laneAddress } from './lane-name.ts'
import { decodeSlotFrame, encodeSlotFrame, isSlotFrame } from './slot-frame.ts'

/** Read buffer of an end. Messages whose tensors lie in shared memory take a few hundred bytes. */
const readBytes = 64 << 10

/** Frames up to this length are copied next to their length. */
const maxCopiedBytes = 4096

export type LaneOptions = {
  readonly runId: string
  /** The most bytes in one message from the other end. */
  readonly maxFrameBytes: number
  readonly handlers: ConnectionHandlers
}

/**
 * A connection to this name that is only read, into memory that is reused. Node does that only on a socket that the
 * caller has dialled; on others, it allocates memory for each read.
 */
export type Incoming = {
  readonly socket: Socket
  /** Passes on what arrives from here on. The bytes are valid only during the call. */
  readonly feed: (onBytes: (bytes: Uint8Array) => void) => void
}

/** Dials an incoming connection. Bytes that arrive before `feed` is called close it. */
export function dialIncoming(name: string): Incoming {
  const buffer = Buffer.allocUnsafeSlow(readBytes)
  let onBytes: (bytes: Uint8Array) => void = () => void socket.destroy()
  const callback = (bytes: number) => {
    onBytes(buffer.subarray(0, bytes))
    return true
  }
  const socket = connect({ path: laneAddress(name), onread: { buffer, callback } })
  return {
    socket,
    feed: next => {
      onBytes = next
    },
  }
}

/** One end of a lane, over two open sockets, each dialled by the end that reads it. They close together. */
export function laneOver(
  incoming: Incoming,
  outgoing: Socket,
  { runId, maxFrameBytes, handlers }: LaneOptions,
): Connection {
  const sockets = [incoming.socket, outgoing]
  const carrier = carryMessages(handlers, createLaneCodec(runId), {
    send: frame => sendFrame(outgoing, frame),
    close: last => {
      sendFrame(outgoing, last)
      outgoing.end()
    },
    terminate: destroyAll,
    queuedBytes: () => outgoing.writableLength,
    receivedBytes: () => incoming.socket.bytesRead,
  })
  const split = createFrameStream(() => maxFrameBytes, carrier.take)
  incoming.feed(bytes => {
    try {
      split(bytes)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      carrier.fail(error)
      destroyAll()
    }
  })
  let open = sockets.length
  for (const socket of sockets) {
    socket.on('error', carrier.end.because)
    socket.on('close', () => {
      destroyAll()
      open -= 1
      if (open === 0) carrier.end.now()
    })
  }

  function destroyAll(): void {
    for (const socket of sockets) socket.destroy()
  }

  return carrier.connection
}

/** The messages of a step have their own form once the sizes are known. */
function createLaneCodec(runId: string): Codec {
  const { encode, decode } = createCodec()
  return {
    encode: (message, tensors) => encodeSlotFrame(message) ?? encode(message, tensors),
    decode: (frame, sizes) => {
      if (sizes === null || !isSlotFrame(frame)) return decode(frame, sizes)
      return { message: decodeSlotFrame(frame, runId, sizes), tensors: {} }
    },
  }
}

/** Sends a frame after its length. */
export function sendFrame(socket: Socket, frame: Uint8Array): void {
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
