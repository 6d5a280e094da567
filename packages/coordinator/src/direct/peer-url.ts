import { type MessageOf, maxShortText } from '@lockstep/protocol'

/**
 * The address at which other workers reach this one: the address it connected from, unless it names another host. Null
 * for a worker that does not listen, or whose address is not a network address or too long for the message.
 */
export function peerUrl(address: string, peer: MessageOf<'ready'>['peer']): string | null {
  if (peer === undefined) return null
  const seen = /^(?:::ffff:)?(.+):\d+$/.exec(address)?.[1]
  const host = peer.host ?? seen
  if (host === undefined) return null
  const url = `tcp://${host.includes(':') ? `[${host}]` : host}:${peer.port}`
  return url.length > maxShortText ? null : url
}
