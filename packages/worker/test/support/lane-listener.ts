import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { acceptLane, type Connection, type LockstepError, laneAddress, type Received } from '@lockstep/protocol'
import { createHappenings, type Happenings } from '@lockstep/protocol/testing'
import { onTestFinished } from 'vitest'
import { welcome } from './configuration.ts'

/** A coordinator's end of a lane, at which the test decides what to answer. */
export type LaneEnd = {
  readonly connection: Connection
  readonly received: Happenings<Received>
  readonly closed: Happenings<LockstepError | null>
}

/** Listens for lanes under a new name until the end of the test. */
export async function listenForLanes(): Promise<{ readonly name: string; readonly lanes: Happenings<LaneEnd> }> {
  const name = `lockstep-${randomBytes(16).toString('hex')}`
  const lanes = createHappenings<LaneEnd>()
  const server = createServer(socket => {
    const received = createHappenings<Received>()
    const closed = createHappenings<LockstepError | null>()
    const handlers = { onMessage: received.add, onClose: closed.add }
    const connection = acceptLane(socket, handlers, 32 << 20)
    connection.setSizes(welcome.sizes)
    lanes.add({ connection, received, closed })
  })
  await new Promise<void>(resolve => server.listen(laneAddress(name), resolve))
  onTestFinished(async () => {
    for (const { connection } of lanes.all) connection.terminate()
    await new Promise(resolve => server.close(resolve))
  })
  return { name, lanes }
}
