import { createHmac, timingSafeEqual } from 'node:crypto'

/** Who greets whom in which ring. */
export type Greeting = { readonly ring: number; readonly from: number; readonly to: number }

/** With what a worker shows that the coordinator has introduced it. */
export type SignedGreeting = Greeting & { readonly proof: string }

const scheme = 'Lockstep'
const greetingPattern = /^Lockstep (\d{1,15}) (\d{1,15}) (\d{1,15}) ([0-9a-f]{64})$/

/**
 * HMAC-SHA-256 of the greeting under the token of the ring. Both ends show one, so neither gives the token away to a
 * stranger that listens at the other's address.
 */
export function prove({ ring, from, to }: Greeting, token: string): string {
  return createHmac('sha256', token).update(`${ring} ${from} ${to}`).digest('hex')
}

/** Compares without telling by its duration where two proofs differ. */
export function isProof(proof: string | undefined, greeting: Greeting, token: string): boolean {
  const [received, expected] = [Buffer.from(proof ?? ''), Buffer.from(prove(greeting, token))]
  return received.length === expected.length && timingSafeEqual(received, expected)
}

/** As it stands in the `authorization` header of the handshake. */
export function formatGreeting(greeting: Greeting, token: string): string {
  return `${scheme} ${greeting.ring} ${greeting.from} ${greeting.to} ${prove(greeting, token)}`
}

/** Null for a header that is no greeting. */
export function parseGreeting(header: string | undefined): SignedGreeting | null {
  const match = greetingPattern.exec(header ?? '')
  if (match === null) return null
  const [ring, from, to] = match.slice(1, 4).map(Number) as [number, number, number]
  return { ring, from, to, proof: match[4]! }
}
