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
  const handlers = { onMessage, onClose: () => undefined }
  const lane = await connectLane(name, { runId, workerId, nonce }, handlers).catch(() => null)
  lane?.setSizes(sizes)
  return lane
}
