import { createHmac } from 'node:crypto'
import { isSameSecret } from '@lockstep/protocol'

/** A worker's introduction to another member of a group. */
export type Greeting = { readonly group: number; readonly from: number; readonly to: number }

/** A greeting with the proof that the coordinator has introduced its sender. */
export type SignedGreeting = Greeting & { readonly proof: string }

const greetingPattern = /^Lockstep (\d{1,15}) (\d{1,15}) (\d{1,15}) ([0-9a-f]{64})\n$/

/** More than any greeting needs. */
export const maxGreetingBytes = 160

/**
 * HMAC-SHA-256 of the greeting, keyed with the group's token. Both ends send a proof, so neither reveals the token to a
 * stranger that listens at the other's address.
 */
export function prove({ group, from, to }: Greeting, token: string): string {
  return createHmac('sha256', token).update(`${group} ${from} ${to}`).digest('hex')
}

/** Whether this proof of a greeting was made with the token. */
export function isProof(proof: string, greeting: Greeting, token: string): boolean {
  return isSameSecret(proof, prove(greeting, token))
}

/** The first line on a link, from either end. */
export function formatGreeting(greeting: Greeting, token: string): string {
  return `Lockstep ${greeting.group} ${greeting.from} ${greeting.to} ${prove(greeting, token)}\n`
}

/** Null for a line that is not a greeting. */
export function parseGreeting(line: string): SignedGreeting | null {
  const match = greetingPattern.exec(line)
  if (match === null) return null
  const [group, from, to] = match.slice(1, 4).map(Number) as [number, number, number]
  return { group, from, to, proof: match[4]! }
}

/** Collects the first line of a link. */
export type LineReader = {
  /**
   * The line once it is complete, and the bytes after it; null before. Throws RangeError for a line that is too long.
   */
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
