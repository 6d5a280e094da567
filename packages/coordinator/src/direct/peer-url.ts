import { type MessageOf, maxShortText } from '@lockstep/protocol'

/**
 * Where the other workers reach one: at the address from which it has come itself, unless it names another.
 * Null for one that does not listen, or whose address is no network address, or too long to be told.
 */
export function peerUrl(address: string, peer: MessageOf<'ready'>['peer']): string | null {
  if (peer === undefined) return null
  const seen = /^(?:::ffff:)?(.+):\d+$/.exec(address)?.[1]
  const host = peer.host ?? seen
  if (host === undefined) return null
  const url = `tcp://${host.includes(':') ? `[${host}]` : host}:${peer.port}`
  return url.length > maxShortText ? null : url
}
