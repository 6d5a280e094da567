import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { carryMessages } from './carry-messages.ts'
import { createCodec, type Received } from './codec.ts'
import { LockstepError } from './common/error.ts'
import type { Message, Sizes } from './messages.ts'
import type { Tensors } from './tensor.ts'

/** Carries messages: a WebSocket or a lane. Knows neither run nor worker. */
export type Connection = {
  readonly send: (message: Message, tensors?: Tensors) => void
  /** Sends an encoded frame, so that one encoding serves a broadcast. The frame must not change afterwards. */
  readonly sendFrame: (frame: Uint8Array) => void
  /** Bytes handed to the connection that the peer's kernel has not taken yet. */
  readonly queuedBytes: () => number
  /** Bytes received so far, including those of an incomplete message. */
  readonly receivedBytes: () => number
  /** From here on tensors are checked against these sizes. */
  readonly setSizes: (sizes: Sizes) => void
  /** Sends the `bye`, with its reason cut to `maxReasonLength`, and closes once everything queued is sent. */
  readonly close: (bye: Extract<Message, { type: 'bye' }>) => void
  /** Closes the connection at once. */
  readonly terminate: () => void
}

export type ConnectionHandlers = {
  readonly onMessage: (received: Received) => void
  /** Called once. `error` is what was wrong with the peer's bytes or the network; null after an orderly close. */
  readonly onClose: (error: LockstepError | null) => void
}

/** The most bytes a worker accepts in one message: the state of a model of 90 million parameters under Adam. */
export const maxClientFrameBytes = 1 << 30

export type ConnectionOptions = {
  /** The longest header that is unpacked. */
  readonly maxHeader?: number
  /** The socket under a server's WebSocket. A client's becomes known when the connection is established. */
  readonly transport?: Socket
}

/**
 * Longer messages are fragmented (RFC 6455, section 5.4). ws keeps the packets of a frame in an array and removes them
 * from its front, which beyond some ten thousand packets takes time proportional to the rest: 300 MB block a thread for
 * 16 s.
 */
const fragmentBytes = 8 << 20

/** How long an orderly close waits for a peer that takes nothing more of the queue, and then for its answer. */
export const closeTimeoutMs = 2000

/** The longest that it waits for a peer that keeps taking parts of the queue. */
const longestCloseMs = 60_000

/**
 * Masking protects intermediaries from data that a browser is made to send (RFC 6455, section 10.3). Between these two
 * programs it only costs time: with a mask of zeros ws neither copies nor masks.
 */
export const unmaskedClient = {
  perMessageDeflate: false,
  generateMask: (mask: Buffer) => void mask.fill(0),
}

const clientOptions = { ...unmaskedClient, closeTimeout: closeTimeoutMs, maxPayload: maxClientFrameBytes }

/** Which certificates to trust for `wss:` instead of the default authorities. */
export type Trust = {
  /** PEM certificates: the coordinator's own, or that of its signer. */
  readonly ca: string
  /** Accepts these certificates under any host name, for one that was handed over directly. */
  readonly anyName: boolean
}

/** Opens a client connection. */
export function openWebSocket(url: string, handshakeTimeoutMs: number, trust?: Trust): WebSocket {
  const tls =
    trust === undefined ? {} : { ca: trust.ca, ...(trust.anyName ? { checkServerIdentity: () => undefined } : {}) }
  return new WebSocket(url, { ...clientOptions, handshakeTimeout: handshakeTimeoutMs, ...tls })
}

/**
 * Carries messages over an open or opening WebSocket. Bytes that are not a message of the protocol, or whose header is
 * longer than `maxHeader`, close the connection: the peer is told why, and `onClose` gets the error.
 */
export function createConnection(
  socket: WebSocket,
  handlers: ConnectionHandlers,
  { maxHeader, ...under }: ConnectionOptions = {},
): Connection {
  let { transport } = under
  let isClosing = false
  const { connection, take, fail, end } = carryMessages(handlers, createCodec(maxHeader), {
    send: frame => {
      if (socket.readyState === WebSocket.OPEN && !isClosing) sendFragments(socket, frame)
    },
    close: (last, code) => {
      if (isClosing) return
      isClosing = true
      if (socket.readyState === WebSocket.OPEN) closeAfter(socket, transport, last, code)
      else socket.close(1000, code)
    },
    terminate: () => socket.terminate(),
    queuedBytes: () => socket.bufferedAmount,
    receivedBytes: () => transport?.bytesRead ?? 0,
  })
  socket.once('upgrade', (response: IncomingMessage) => {
    transport = response.socket
  })
  socket.binaryType = 'nodebuffer'
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) take(data)
    else fail(new LockstepError('frame-malformed', 'a text message', { expected: 'binary messages only' }))
  })
  socket.on('error', end.because)
  socket.on('close', end.now)
  return connection
}

/**
 * ws starts to wait for the answer as soon as its `close` is called, whatever is queued. So it is called once all is
 * sent.
 */
function closeAfter(socket: WebSocket, transport: Socket | undefined, last: Uint8Array, code: string): void {
  const cutOff = () => socket.terminate()
  // The socket is idle when nothing arrives and its queue does not shrink.
  transport?.setTimeout(closeTimeoutMs, cutOff)
  const tooLong = setTimeout(cutOff, longestCloseMs)
  socket.send(last, () => {
    clearTimeout(tooLong)
    socket.close(1000, code)
  })
}

function sendFragments(socket: WebSocket, frame: Uint8Array): void {
  let at = 0
  for (; frame.byteLength - at > fragmentBytes; at += fragmentBytes)
    socket.send(frame.subarray(at, at + fragmentBytes), { fin: false })
  socket.send(frame.subarray(at))
}
