import {
  type Cancel,
  type Connection,
  type ConnectionHandlers,
  carryMessages,
  closeTimeoutMs,
  createCodec,
  createFrameStream,
  LockstepError,
} from '@lockstep/protocol'
import type { Socket, SocketHandlers } from './network.ts'
import type { SimulatedProcess } from './process.ts'

export type CarryOptions = {
  readonly maxHeader: number
  readonly maxFrameBytes: number
  readonly onOpen?: () => void
  /** For the end that dials: how long the other one may take to answer. */
  readonly openTimeoutMs?: number
}

/**
 * Carries messages over a simulated socket. Codec and frame stream are the product's own; bytes arrive in pieces. Ends,
 * resets and closing behave as in the `ws` library.
 */
export function carryOver(
  process: SimulatedProcess,
  open: (handlers: SocketHandlers) => Socket,
  handlers: ConnectionHandlers,
  options: CarryOptions,
): Connection {
  let phase: 'opening' | 'open' | 'closing' | 'closed' = options.onOpen === undefined ? 'open' : 'opening'
  let cancel: Cancel = () => undefined
  const carrier = carryMessages(handlers, createCodec(options.maxHeader), {
    send: frame => {
      if (phase === 'open') socket.write(withLength(frame))
    },
    close: last => {
      if (phase === 'opening') return breakOff('closed before the connection was established')
      if (phase !== 'open') return
      phase = 'closing'
      socket.write(withLength(last))
      socket.end()
      awaitClosing()
    },
    terminate: () => (phase === 'opening' ? breakOff('closed before the connection was established') : cutOff()),
    queuedBytes: () => socket.queuedBytes(),
    receivedBytes: () => socket.receivedBytes(),
  })
  const split = createFrameStream(() => options.maxFrameBytes, carrier.take)
  const socket = open({ onOpen, onData, onEnd, onReset: breakOff })
  if (options.openTimeoutMs !== undefined) {
    cancel = process.clock.after(options.openTimeoutMs, () => breakOff('Opening handshake has timed out'))
  }

  /** Waits as long as the peer takes parts of the queue. */
  function awaitClosing(): void {
    const queued = socket.queuedBytes()
    cancel = process.clock.after(closeTimeoutMs, () => (socket.queuedBytes() < queued ? awaitClosing() : cutOff()))
  }

  function onOpen(): void {
    if (phase !== 'opening') return
    cancel()
    phase = 'open'
    options.onOpen?.()
  }

  function onData(bytes: Uint8Array): void {
    if (phase === 'closed') return
    try {
      split(bytes)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      carrier.fail(error)
      cutOff()
    }
  }

  function onEnd(): void {
    if (phase === 'open') socket.end()
    finish()
  }

  function breakOff(reason: string): void {
    carrier.end.because(new Error(reason))
    cutOff()
  }

  function cutOff(): void {
    socket.destroy()
    cancel()
    cancel = process.clock.after(0, finish)
  }

  function finish(): void {
    if (phase === 'closed') return
    phase = 'closed'
    cancel()
    socket.release()
    carrier.end.now()
  }

  return carrier.connection
}

function withLength(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + frame.length)
  new DataView(bytes.buffer).setUint32(0, frame.length, true)
  bytes.set(frame, 4)
  return bytes
}
