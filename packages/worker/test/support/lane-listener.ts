import { createServer, type Socket } from 'node:net'
import {
  answerLane,
  type Connection,
  createLaneName,
  type LaneGreeting,
  type LockstepError,
  laneAddress,
  type Received,
  readLaneGreeting,
} from '@lockstep/protocol'
import { createHappenings, type Happenings } from '@lockstep/protocol/testing'
import { onTestFinished } from 'vitest'
import { welcome } from './configuration.ts'

/** A coordinator's end of a lane. */
export type LaneEnd = {
  readonly connection: Connection
  readonly received: Happenings<Received>
  readonly closed: Happenings<LockstepError | null>
}

/** A thread that has dialled, and the function that answers it. */
export type LaneCaller = {
  readonly greeting: LaneGreeting
  readonly socket: Socket
  readonly answer: () => Promise<LaneEnd>
}

/** Listens for lanes under a new name until the end of the test. */
export async function listenForLanes(): Promise<{ readonly name: string; readonly callers: Happenings<LaneCaller> }> {
  const name = createLaneName()
  const callers = createHappenings<LaneCaller>()
  const server = createServer(socket =>
    readLaneGreeting(socket, greeting => {
      callers.add({ greeting, socket, answer: () => new Promise(resolve => answer(socket, greeting, resolve)) })
    }),
  )
  await new Promise<void>(resolve => server.listen(laneAddress(name), resolve))
  onTestFinished(async () => {
    for (const { socket } of callers.all) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { name, callers }
}

function answer(socket: Socket, greeting: LaneGreeting, onOpen: (lane: LaneEnd) => void): void {
  answerLane(socket, greeting, 32 << 20, connect => {
    const received = createHappenings<Received>()
    const closed = createHappenings<LockstepError | null>()
    const connection = connect({ onMessage: received.add, onClose: closed.add })
    connection.setSizes(welcome.sizes)
    onOpen({ connection, received, closed })
  })
}
