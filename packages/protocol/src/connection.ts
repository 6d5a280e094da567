import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { carryMessages } from './carry-messages.ts'
import type { Received } from './codec.ts'
import { LockstepError } from './common/error.ts'
import { maxHeaderBytes } from './frame.ts'
import type { Message, Sizes } from './messages.ts'
import type { Tensors } from './tensor.ts'

/** What carries messages: a WebSocket or a lane. It knows neither run nor worker. */
export type Connection = {
  readonly send: (message: Message, tensors?: Tensors) => void
  /** Sends a frame that is encoded already: one encoding serves a broadcast. The frame must not change afterwards. */
  readonly sendFrame: (frame: Uint8Array) => void
  /** Bytes handed to the connection that the peer's kernel has not taken yet. */
  readonly queuedBytes: () => number
  /** Bytes that have come so far, also those of a message of which more is still on its way. */
  readonly receivedBytes: () => number
  /** From here on tensors are checked against these sizes. */
  readonly setSizes: (sizes: Sizes) => void
  /** Says goodbye, a longer reason cut to `maxReasonLength`, and closes once everything queued is sent. */
  readonly close: (bye: Extract<Message, { type: 'bye' }>) => void
  /** Cuts the connection off. */
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
  /** The socket under a server's WebSocket; at a client it is known once there is one. */
  readonly transport?: Socket
}

/**
 * Longer messages go in fragments (RFC 6455, section 5.4). ws takes what has come of a frame out of an array, one packet after the other
 * from the front, which takes the time of all that are left where they are more than some ten thousand: 300 MB block a thread for 16 s.
 */
const fragmentBytes = 8 << 20

/** How long an orderly close waits for a peer that takes nothing more of what is queued, and then for its answer. */
export const closeTimeoutMs = 2000

/** How long it waits at most for a peer that takes it little by little. */
const longestCloseMs = 60_000

/**
 * Masking protects intermediaries from what a browser is made to send (RFC 6455, section 10.3); between these two
 * programs it only costs time: with a mask of zeros ws neither copies nor masks.
 */
export const unmaskedClient = {
  perMessageDeflate: false,
  generateMask: (mask: Buffer) => void mask.fill(0),
}

const clientOptions = { ...unmaskedClient, closeTimeout: closeTimeoutMs, maxPayload: maxClientFrameBytes }

/** Whom to trust for `wss:` instead of the usual authorities. */
export type Trust = {
  /** PEM certificates: of the coordinator itself, or of who has signed its. */
  readonly ca: string
  /** Accept these certificates under any host name: for one that was handed over directly. */
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
  { maxHeader = maxHeaderBytes, ...under }: ConnectionOptions = {},
): Connection {
  let { transport } = under
  let isClosing = false
  const { connection, take, fail, end } = carryMessages(handlers, maxHeader, {
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

/** ws waits for the answer to its `close` from the call on, whatever is queued: it is called when all is sent. */
function closeAfter(socket: WebSocket, transport: Socket | undefined, last: Uint8Array, code: string): void {
  const cutOff = () => socket.terminate()
  // Idle is a socket of which nothing comes, and whose queue gets no shorter.
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
