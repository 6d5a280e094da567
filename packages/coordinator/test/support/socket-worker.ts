import {
  type Connection,
  connectLane,
  createConnection,
  type Message,
  type MessageOf,
  openWebSocket,
  type Received,
} from '@lockstep/protocol'
import { onTestFinished } from 'vitest'
import { createFakeWorker } from './fake-worker.ts'
import { token } from './test-membership.ts'

export type SocketWorker = {
  /** Resolves with the coordinator's goodbye, or with null when the connection ends without one. */
  readonly ended: Promise<MessageOf<'bye'> | null>
  /** Cuts the connection off, as the death of the process would. */
  readonly die: () => void
  /** The types of the messages that it has received, by the way they took. */
  readonly heard: { readonly connection: ReadonlySet<string>; readonly lane: ReadonlySet<string> }
  readonly welcomed: Promise<MessageOf<'welcome'>>
}

/** A fake worker at the other end of a real socket, which ends with the test. */
export function startSocketWorker(
  url: string,
  options: {
    readonly token?: string
    /** Awaited before a message is sent: can delay it, change it, or drop it by returning null. */
    readonly before?: (message: Message) => Message | null | Promise<Message | null>
    /** Takes the lane that it is offered, and answers on it. */
    readonly takesLane?: boolean
  } = {},
): SocketWorker {
  const { before = (message: Message) => message } = options
  const socket = openWebSocket(url, 5000)
  onTestFinished(() => void socket.terminate())
  const heard = { connection: new Set<string>(), lane: new Set<string>() }
  let lane: Connection | null = null
  let bye: MessageOf<'bye'> | null = null
  let end: (bye: MessageOf<'bye'> | null) => void
  const ended = new Promise<MessageOf<'bye'> | null>(resolve => {
    end = resolve
  })
  let greet: (welcome: MessageOf<'welcome'>) => void
  const welcomed = new Promise<MessageOf<'welcome'>>(resolve => {
    greet = resolve
  })
  let saying: Promise<void> = Promise.resolve()
  const worker = createFakeWorker((message, tensors) => {
    saying = saying.then(async () => {
      const said = await before(message)
      if (said !== null) wayOf(said).send(said, tensors)
    })
  })
  const connection = createConnection(socket, { onMessage: receive, onClose: () => end(bye) })
  socket.once('open', () => worker.hello(options.token ?? token))

  function receive(received: Received): void {
    const { message } = received
    heard.connection.add(message.type)
    if (message.type === 'bye') bye = message
    if (message.type === 'welcome') join(message, received)
    else worker.receive(received)
  }

  function join(message: MessageOf<'welcome'>, received: Received): void {
    greet(message)
    connection.setSizes(message.sizes)
    const name = options.takesLane === true ? message.sharedMemory?.lane : null
    if (typeof name === 'string') void openLane(name, message).then(() => worker.receive(received))
    else worker.receive(received)
  }

  async function openLane(name: string, { runId, workerId, sizes, sharedMemory }: MessageOf<'welcome'>): Promise<void> {
    const onMessage = (received: Received) => {
      heard.lane.add(received.message.type)
      worker.receive(received)
    }
    const proof = { runId, workerId, nonce: sharedMemory!.nonce }
    lane = await connectLane(name, proof, { onMessage, onClose: () => undefined })
    onTestFinished(lane.terminate)
    lane.setSizes(sizes)
  }

  function wayOf({ type }: Message): Connection {
    return lane !== null && (type === 'gradient' || type === 'metrics') ? lane : connection
  }

  return { ended, die: () => socket.terminate(), heard, welcomed }
}
