import { createHmac } from 'node:crypto'
import { isSameSecret } from '@lockstep/protocol'

/** Who greets whom in which group. */
export type Greeting = { readonly group: number; readonly from: number; readonly to: number }

/** With what a worker shows that the coordinator has introduced it. */
export type SignedGreeting = Greeting & { readonly proof: string }

const greetingPattern = /^Lockstep (\d{1,15}) (\d{1,15}) (\d{1,15}) ([0-9a-f]{64})\n$/

/** More than any greeting takes. */
export const maxGreetingBytes = 160

/**
 * HMAC-SHA-256 of the greeting under the token of the group. Both ends show one, so neither gives the token away to a
 * stranger that listens at the other's address.
 */
export function prove({ group, from, to }: Greeting, token: string): string {
  return createHmac('sha256', token).update(`${group} ${from} ${to}`).digest('hex')
}

/** Whether this proof of a greeting was made with the token. */
export function isProof(proof: string, greeting: Greeting, token: string): boolean {
  return isSameSecret(proof, prove(greeting, token))
}

/** The first line on a link, of either end. */
export function formatGreeting(greeting: Greeting, token: string): string {
  return `Lockstep ${greeting.group} ${greeting.from} ${greeting.to} ${prove(greeting, token)}\n`
}

/** Null for what is no greeting. */
export function parseGreeting(line: string): SignedGreeting | null {
  const match = greetingPattern.exec(line)
  if (match === null) return null
  const [group, from, to] = match.slice(1, 4).map(Number) as [number, number, number]
  return { group, from, to, proof: match[4]! }
}

/** Gathers the first line of a link. */
export type LineReader = {
  /** The line once all of it is there, and what came after it; null before. Throws RangeError for one that is too long. */
  readonly feed: (bytes: Uint8Array) => { readonly line: string; readonly rest: Uint8Array } | null
}

export function createLineReader(): LineReader {
  let line = ''
  return {
    feed: bytes => {
      const end = bytes.indexOf(0x0a) + 1
      line += Buffer.from(end === 0 ? bytes : bytes.subarray(0, end)).toString('latin1')
      if (line.length > maxGreetingBytes) throw new RangeError(`a greeting of more than ${maxGreetingBytes} bytes`)
      return end === 0 ? null : { line, rest: bytes.subarray(end) }
    },
  }
}
