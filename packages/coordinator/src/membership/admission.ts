import { isSameSecret, type MessageOf, protocolVersion } from '@lockstep/protocol'

/** Why a worker is refused, as a sentence that the worker prints; null when it is accepted. */
export function refuseHello(hello: MessageOf<'hello'>, token: string): string | null {
  if (hello.protocol !== protocolVersion) {
    return `the coordinator speaks protocol version ${protocolVersion}, the worker ${hello.protocol}; run the same version of lockstep on both`
  }
  if (!isSameSecret(hello.token, token)) return 'wrong token; give the worker the token file of this coordinator'
  return null
}

/** The same, for the parameter layout of the model that the worker has built. */
export function refuseLayout(received: string, expected: string): string | null {
  if (received === expected) return null
  const [theirs, ours] = [received, expected].map(hash => hash.slice(0, 12))
  return `the worker's model has another parameter layout (${theirs}, not ${ours}); run the same version of lockstep on both`
}
