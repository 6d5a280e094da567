import { isLoopback } from '@lockstep/protocol'

/** Whether a peer is on this machine. `address` includes the port. */
export function isLocal(address: string): boolean {
  return isLoopback(address.slice(0, address.lastIndexOf(':')))
}
