import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Received } from '../../src/codec.ts'
import type { LockstepError } from '../../src/common/error.ts'
import { createLaneName, laneAddress } from '../../src/lane/lane-name.ts'
import { createHappenings } from '../../src/testing/happenings.ts'

/** What one end of a lane receives. */
export function createLaneRecorder() {
  const received = createHappenings<Received>()
  const closings = createHappenings<LockstepError | null>()
  return { handlers: { onMessage: received.add, onClose: closings.add }, received, closings }
}

/** A listener under a new name, which ends with the test, and the sockets that connect to it. */
export async function listen() {
  const name = createLaneName()
  const sockets = createHappenings<Socket>()
  const server = createServer(sockets.add)
  await new Promise<void>(resolve => server.listen(laneAddress(name), resolve))
  onTestFinished(async () => {
    for (const socket of sockets.all) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { name, sockets }
}

export function lengthOf(frameBytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(frameBytes)
  return length
}
