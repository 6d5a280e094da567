import { createServer, type Socket } from 'node:net'
import { decodeMessage, encodeMessage } from '../codec.ts'
import { LockstepError } from '../common/error.ts'
import { type Connection, type ConnectionHandlers, maxClientFrameBytes } from '../connection.ts'
import type { MessageOf } from '../messages.ts'
import { createFrameStream } from './frame-stream.ts'
import { dialIncoming, laneOver, sendFrame } from './lane.ts'
import { createLaneName, laneAddress } from './lane-name.ts'

/** Names the worker of a computing thread and proves it by the nonce. The coordinator answers with the same. */
export type LaneGreeting = MessageOf<'lane'>

/** Takes an open lane. Call `connect` at once: what arrives before closes the lane. */
export type OpenLane = (connect: (handlers: ConnectionHandlers) => Connection) => void

/** Far more than a greeting needs. */
const maxGreetingBytes = 1024

/**
 * Opens a lane: two Unix sockets on which a coordinator and the computing thread of a worker on the same machine
 * exchange messages, with no thread in between. Dials the coordinator's socket of this name, which dials this thread in
 * return. Rejects where nobody listens, or the coordinator closes the connection.
 */
export function connectLane(
  name: string,
  proof: Omit<LaneGreeting, 'type' | 'replyTo'>,
  handlers: ConnectionHandlers,
): Promise<Connection> {
  const greeting: LaneGreeting = { type: 'lane', ...proof, replyTo: createLaneName() }
  const callers = new Set<Socket>()
  return new Promise((resolve, reject) => {
    const listener = createServer(caller => {
      callers.add(caller)
      readLaneGreeting(caller, answer => {
        if (!isSame(answer, greeting)) return void caller.destroy()
        callers.delete(caller)
        stopListening()
        const { runId } = greeting
        resolve(laneOver(incoming, caller, { runId, maxFrameBytes: maxClientFrameBytes, handlers }))
      })
    })
    listener.on('error', fail)
    listener.listen(laneAddress(greeting.replyTo), () => sendFrame(incoming.socket, encodeMessage(greeting)))
    const incoming = dialIncoming(name)
    incoming.socket.on('error', fail)
    incoming.socket.on('close', () => fail(new LockstepError('connection-failed', 'the coordinator refuses the lane')))

    function stopListening(): void {
      listener.close()
      for (const caller of callers) caller.destroy()
    }

    function fail(error: Error): void {
      stopListening()
      incoming.socket.destroy()
      reject(error)
    }
  })
}

/**
 * Answers the greeting of a lane on this socket by dialling its thread. Closes the socket where that is not possible.
 */
export function answerLane(outgoing: Socket, greeting: LaneGreeting, maxFrameBytes: number, open: OpenLane): void {
  const { runId, replyTo } = greeting
  const incoming = dialIncoming(replyTo)
  incoming.socket.on('error', () => outgoing.destroy())
  incoming.socket.once('connect', () => {
    if (outgoing.destroyed) return void incoming.socket.destroy()
    open(handlers => laneOver(incoming, outgoing, { runId, maxFrameBytes, handlers }))
    sendFrame(incoming.socket, encodeMessage(greeting))
  })
}

/**
 * Reads the greeting of a lane from one that has dialled. Closes a socket on which anything else arrives, at any time:
 * whoever dials only reads.
 */
export function readLaneGreeting(socket: Socket, onGreeting: (greeting: LaneGreeting) => void): void {
  let frames = 0
  const split = createFrameStream(
    () => maxGreetingBytes,
    frame => {
      const { message } = decodeMessage(frame, null)
      frames += 1
      if (frames > 1 || message.type !== 'lane') socket.destroy()
      else onGreeting(message)
    },
  )
  socket.on('error', () => socket.destroy())
  socket.on('data', bytes => {
    try {
      split(bytes)
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
      socket.destroy()
    }
  })
}

function isSame(a: LaneGreeting, b: LaneGreeting): boolean {
  return a.runId === b.runId && a.workerId === b.workerId && a.nonce === b.nonce && a.replyTo === b.replyTo
}
