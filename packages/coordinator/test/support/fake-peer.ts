import {
  type Connection,
  type ConnectionHandlers,
  decodeMessage,
  encodeMessage,
  type LockstepError,
  type Message,
  type MessageOf,
  type MessageType,
  type Received,
  type Sizes,
  type Tensors,
} from '@lockstep/protocol'

/** The far end of an in-memory connection. Messages are encoded and decoded as on a socket. */
export type FakePeer = {
  readonly connect: (handlers: ConnectionHandlers) => Connection
  /** What has been sent to this peer, in order. */
  readonly received: readonly Received[]
  readonly last: <T extends MessageType>(type: T) => MessageOf<T> | undefined
  readonly say: (message: Message, tensors?: Tensors) => void
  /** Closes from this side. */
  readonly hangUp: (error?: LockstepError) => void
  /** Whether the near end is open, closed with a goodbye, or cut off. */
  readonly ending: () => 'open' | 'closed' | 'terminated'
  /** Bytes that this peer leaves unread. */
  queuedBytes: number
  /** Bytes of this peer that have arrived at the near end. */
  receivedBytes: number
}

export function createFakePeer(onReceive: (received: Received) => void = () => undefined): FakePeer {
  const received: Received[] = []
  let handlers: ConnectionHandlers | null = null
  let sizes: Sizes | null = null
  let ending: 'open' | 'closed' | 'terminated' = 'open'

  function arrive(frame: Uint8Array): void {
    if (ending !== 'open') return
    const arrived = decodeMessage(frame.slice(), sizes)
    received.push(arrived)
    onReceive(arrived)
  }

  const connection: Connection = {
    send: (message, tensors) => arrive(encodeMessage(message, tensors)),
    sendFrame: arrive,
    queuedBytes: () => peer.queuedBytes,
    receivedBytes: () => peer.receivedBytes,
    setSizes: next => {
      sizes = next
    },
    close: bye => {
      arrive(encodeMessage(bye))
      if (ending === 'open') ending = 'closed'
    },
    terminate: () => {
      ending = 'terminated'
    },
  }

  const peer: FakePeer = {
    connect: given => {
      handlers = given
      return connection
    },
    received,
    last: type => {
      const found = received.findLast(({ message }) => message.type === type)
      return found?.message as MessageOf<typeof type> | undefined
    },
    say: (message, tensors) => handlers?.onMessage(decodeMessage(encodeMessage(message, tensors), sizes)),
    hangUp: (error = undefined) => handlers?.onClose(error ?? null),
    ending: () => ending,
    queuedBytes: 0,
    receivedBytes: 0,
  }
  return peer
}
