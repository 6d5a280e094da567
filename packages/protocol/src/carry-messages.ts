import type { Codec, Received } from './codec.ts'
import { LockstepError } from './common/error.ts'
import { printable } from './common/printable.ts'
import type { Connection, ConnectionHandlers } from './connection.ts'
import { maxReasonLength, type Sizes } from './messages.ts'

/** The byte transport under a connection. It sends and receives whole frames. */
export type Wire = Pick<Connection, 'queuedBytes' | 'receivedBytes' | 'terminate'> & {
  /** Does nothing where the peer has gone, or after `close`. */
  readonly send: (frame: Uint8Array) => void
  /** Sends a last frame, and closes once everything queued is sent. */
  readonly close: (last: Uint8Array, code: string) => void
}

export type Carrier = {
  readonly connection: Connection
  /** Takes a frame that has arrived. */
  readonly take: (frame: Uint8Array) => void
  /** Closes the connection because of the peer's bytes. */
  readonly fail: (error: LockstepError) => void
  /** Call `because` when the wire breaks, and `now` when it is closed. */
  readonly end: { readonly because: (cause: Error) => void; readonly now: () => void }
}

/** A connection over a wire. After bytes that are not a message of the protocol it takes no more. */
export function carryMessages(handlers: ConnectionHandlers, { encode, decode }: Codec, wire: Wire): Carrier {
  let sizes: Sizes | null = null
  let failure: LockstepError | null = null

  function take(frame: Uint8Array): void {
    if (failure !== null) return
    let received: Received
    try {
      received = decode(frame, sizes)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      return fail(error)
    }
    handlers.onMessage(received)
  }

  function fail(error: LockstepError): void {
    if (failure !== null) return
    failure = error
    connection.close({ type: 'bye', code: 'refused', reason: error.message })
  }

  const connection: Connection = {
    send: (message, tensors) => wire.send(encode(message, tensors)),
    sendFrame: wire.send,
    queuedBytes: wire.queuedBytes,
    receivedBytes: wire.receivedBytes,
    setSizes: next => {
      sizes = next
    },
    close: bye => {
      wire.close(encode({ ...bye, reason: bye.reason.slice(0, maxReasonLength) }), bye.code)
    },
    terminate: wire.terminate,
  }

  return {
    connection,
    take,
    fail,
    end: {
      because: cause => {
        failure ??= new LockstepError('connection-failed', printable(messageOf(cause)), { cause })
      },
      now: () => handlers.onClose(failure),
    },
  }
}

/**
 * When all addresses of a host have failed, Node's error only holds the errors of the attempts and has no message of
 * its own.
 */
function messageOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(each => each.message).join('; ') : error.message
}
