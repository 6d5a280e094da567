import { isLoopback } from '@lockstep/protocol'

/** Whether a peer is on this machine, by its address with its port. */
export function isLocal(address: string): boolean {
  return isLoopback(address.slice(0, address.lastIndexOf(':')))
}
