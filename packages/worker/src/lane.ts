import { type Connection, connectLane, type Received } from '@lockstep/protocol'
import type { SessionTerms } from './compute-messages.ts'

/**
 * Connects this thread directly to the coordinator, bypassing the connected thread. Null where no lane is offered or it
 * cannot be opened; messages then go through the connected thread. The end of a lane needs no handling: the main
 * connection closes with it.
 */
export async function openLane(
  { runId, workerId, sizes, sharedMemory }: SessionTerms,
  onMessage: (received: Received) => void,
): Promise<Connection | null> {
  if (sharedMemory === null || sharedMemory.lane === null) return null
  const { lane: name, nonce } = sharedMemory
  let welcomed: (isWelcome: boolean) => void
  const answer = new Promise<boolean>(resolve => {
    welcomed = resolve
  })
  const handlers = {
    onMessage: (received: Received) => (received.message.type === 'lane' ? welcomed(true) : onMessage(received)),
    onClose: () => welcomed(false),
  }
  const lane = await connectLane(name, handlers).catch(() => null)
  if (lane === null) return null
  lane.setSizes(sizes)
  lane.send({ type: 'lane', runId, workerId, nonce })
  return (await answer) ? lane : null
}
