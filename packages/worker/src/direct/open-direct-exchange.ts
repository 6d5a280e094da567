import type { MessageOf } from '@lockstep/protocol'
import { createDirectExchange, type DirectExchange, type DirectExchangeOptions } from './direct-exchange.ts'
import { openPeerListener, type PeerListen } from './peer-listener.ts'

export type OpenDirectExchangeOptions = Omit<DirectExchangeOptions, 'listener'> & {
  /** Where to listen for the other workers; undefined for any port at `localAddress`. */
  readonly peerListen: PeerListen | undefined
  /** The address of this end of the connection to the coordinator. */
  readonly localAddress: string
}

/** Listens for the other workers. `peer` is the address that the coordinator is told. */
export async function openDirectExchange({
  peerListen,
  localAddress,
  ...options
}: OpenDirectExchangeOptions): Promise<{ exchange: DirectExchange; peer: NonNullable<MessageOf<'ready'>['peer']> }> {
  const { host, port, announce } = peerListen ?? { host: localAddress, port: 0, announce: false }
  const listener = await openPeerListener(host, port, options.world)
  const exchange = createDirectExchange({ ...options, listener })
  return { exchange, peer: { host: announce ? host : null, port: listener.port } }
}
