import { isLoopback } from '@lockstep/protocol'
import type { TopologyMode } from './direct/topology.ts'
import type { EventListener } from './events.ts'
import type { ListenOptions } from './server.ts'

/** What decides by which ways messages and gradients may travel in a run. */
export type RouteOptions = {
  readonly listen: Pick<ListenOptions, 'host' | 'tls'>
  readonly topology: TopologyMode
  readonly audit: number
  readonly shareMemory: boolean
}

/** Links between workers are not encrypted: what came by TLS stays with the coordinator. So does what it is to compare. */
export function permittedTopology({
  topology,
  audit,
  listen: { tls },
}: Omit<RouteOptions, 'shareMemory'>): TopologyMode {
  return tls === null && audit === 0 ? topology : 'star'
}

/** Messages on lanes are not for exchanges among workers: lanes are for runs that have none, or whose workers are all here. */
export function usesLanes(options: RouteOptions): boolean {
  const topology = permittedTopology(options)
  const { host } = options.listen
  return options.shareMemory && (topology === 'star' || (topology === 'auto' && isLoopback(host)))
}

/** Whoever left the topology to the run hears that there is no choice. */
export function tellOfAudits(
  { audit, topology }: Pick<RouteOptions, 'audit' | 'topology'>,
  onEvent: EventListener,
): void {
  if (audit === 0 || topology !== 'auto') return
  onEvent({ type: 'topology', topology: 'star', reason: 'audited gradients go through the coordinator' })
}
