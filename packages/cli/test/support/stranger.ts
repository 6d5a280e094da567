import { connect } from 'node:net'
import {
  createConnection,
  hasSystemCode,
  type Message,
  type MessageOf,
  openWebSocket,
  protocolVersion,
  type Tensors,
} from '@lockstep/protocol'

const connectMs = 5_000

/** Writes bytes to a port without WebSocket. Resolves with the response when the other end closes the connection. */
export function throwBytes(port: number, bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => void socket.write(bytes))
    let heard = ''
    socket.setEncoding('latin1').on('data', chunk => {
      heard += chunk
    })
    socket.on('error', error => {
      // A connection that is closed with unread bytes ends like this.
      if (!hasSystemCode(error, 'ECONNRESET', 'EPIPE')) reject(error)
    })
    socket.once('close', () => resolve(heard))
  })
}

/** Sends one WebSocket message. Resolves with the code and the reason of the close that follows. */
export function sendMessage(port: number, message: Uint8Array | string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openWebSocket(`ws://127.0.0.1:${port}`, connectMs)
    socket.once('open', () => socket.send(message))
    socket.once('close', (code, reason) => resolve(`${code} ${reason}`))
    socket.once('error', reject)
  })
}

export type Stranger = {
  readonly token: string
  readonly name: string
  readonly hello?: Partial<MessageOf<'hello'>>
  readonly ready?: Partial<MessageOf<'ready'>>
  /** Its answer to a task, made from the right one, for a vector of `weights` elements. */
  readonly answer?: (right: MessageOf<'gradient'>, weights: number) => readonly [Message, Tensors]
}

/**
 * Joins a run like a worker and answers each task wrongly when its step is due. Resolves with the reason for which it
 * is disconnected.
 */
export function joinAsStranger(
  port: number,
  { token, name, hello = {}, ready = {}, answer }: Stranger,
): Promise<string> {
  const socket = openWebSocket(`ws://127.0.0.1:${port}`, connectMs)
  return new Promise((resolve, reject) => {
    let weights = 0
    let step = 0
    let ahead: MessageOf<'work'>[] = []
    let bye: string | null = null
    const connection = createConnection(socket, {
      onMessage: ({ message }) => {
        if (message.type === 'bye') bye = message.reason
        if (message.type === 'welcome') enter(message)
        if (message.type === 'heartbeat') beat(message)
        if (message.type === 'state') step = message.step
        if (message.type === 'update') step = message.step + 1
        if (message.type === 'work') ahead.push(message)
        answerDue()
      },
      onClose: error => resolve(bye ?? error?.message ?? 'hung up'),
    })
    socket.once('error', reject)
    socket.once('open', () => {
      const facts = { name, host: 'elsewhere', device: 'cpu', cores: 1 }
      connection.send({ type: 'hello', protocol: protocolVersion, token, ...facts, ...hello })
    })

    function answerDue(): void {
      if (answer === undefined) return
      const due = ahead.filter(each => each.step === step)
      for (const work of due) connection.send(...answer(rightAnswer(work), weights))
      ahead = ahead.filter(each => each.step > step)
    }

    function enter({ sizes, runId, layoutHash }: MessageOf<'welcome'>): void {
      weights = sizes.weights
      connection.setSizes(sizes)
      connection.send({ type: 'ready', runId, layoutHash, backend: 'none', sharesMemory: false, ...ready })
    }

    function beat({ runId, sentMs }: MessageOf<'heartbeat'>): void {
      const echo = { sentMs, receivedMs: performance.now() }
      connection.send({ type: 'heartbeat', runId, step, pending: 0, quietMs: 0, sentMs: performance.now(), echo })
    }
  })
}

function rightAnswer({ runId, step, shard, count }: MessageOf<'work'>): MessageOf<'gradient'> {
  const figures = { lossSum: count, correct: 0, slot: null, times: [0] }
  return { type: 'gradient', runId, step, shard, count, ...figures }
}
