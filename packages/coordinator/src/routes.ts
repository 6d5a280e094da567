import { isLoopback } from '@lockstep/protocol'
import type { TopologyMode } from './direct/topology.ts'
import type { EventListener } from './events.ts'
import type { ListenOptions } from './server.ts'

/** What decides how messages and gradients may travel in a run. */
export type RouteOptions = {
  readonly listen: Pick<ListenOptions, 'host' | 'tls'>
  readonly topology: TopologyMode
  readonly audit: number
  readonly shareMemory: boolean
}

/**
 * Links between workers are not encrypted, so under TLS gradients go through the coordinator. In audits the coordinator
 * needs them itself.
 */
export function permittedTopology({
  topology,
  audit,
  listen: { tls },
}: Omit<RouteOptions, 'shareMemory'>): TopologyMode {
  return tls === null && audit === 0 ? topology : 'star'
}

/**
 * Lanes carry no messages of the direct exchange. They are for runs without one, or with all workers on this machine.
 */
export function usesLanes(options: RouteOptions): boolean {
  const topology = permittedTopology(options)
  const { host } = options.listen
  return options.shareMemory && (topology === 'star' || (topology === 'auto' && isLoopback(host)))
}

/** Explains to the user of `--topology auto` why audits leave no choice. */
export function tellOfAudits(
  { audit, topology }: Pick<RouteOptions, 'audit' | 'topology'>,
  onEvent: EventListener,
): void {
  if (audit === 0 || topology !== 'auto') return
  onEvent({ type: 'topology', topology: 'star', reason: 'audited gradients go through the coordinator' })
}
