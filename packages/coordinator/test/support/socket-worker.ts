import { createConnection, type Message, type MessageOf, openWebSocket, type Received } from '@lockstep/protocol'
import { onTestFinished } from 'vitest'
import { createFakeWorker } from './fake-worker.ts'
import { token } from './lobby.ts'

export type SocketWorker = {
  /** Resolves with the coordinator's goodbye, or null when the connection ends without. */
  readonly ended: Promise<MessageOf<'bye'> | null>
  /** Cuts the connection off, as the death of the process would. */
  readonly die: () => void
}

/** A fake worker at the other end of a real socket, which ends with the test. */
export function startSocketWorker(
  url: string,
  options: {
    readonly token?: string
    /** Awaited before a message is sent: a place to hold the run or to change what is said; with null it is not sent. */
    readonly before?: (message: Message) => Message | null | Promise<Message | null>
  } = {},
): SocketWorker {
  const { before = (message: Message) => message } = options
  const socket = openWebSocket(url, 5000)
  onTestFinished(() => void socket.terminate())
  let bye: MessageOf<'bye'> | null = null
  let end: (bye: MessageOf<'bye'> | null) => void
  const ended = new Promise<MessageOf<'bye'> | null>(resolve => {
    end = resolve
  })
  let saying: Promise<void> = Promise.resolve()
  const worker = createFakeWorker((message, tensors) => {
    saying = saying.then(async () => {
      const said = await before(message)
      if (said !== null) connection.send(said, tensors)
    })
  })
  const connection = createConnection(socket, { onMessage: receive, onClose: () => end(bye) })
  socket.once('open', () => worker.hello(options.token ?? token))

  function receive(received: Received): void {
    const { message } = received
    if (message.type === 'welcome') connection.setSizes(message.sizes)
    if (message.type === 'bye') bye = message
    worker.receive(received)
  }

  return { ended, die: () => socket.terminate() }
}
