import { LockstepError } from '@lockstep/protocol'

/** The whole number, at least 1, that a flag was given. Throws `bad-configuration`. */
export function readCount(flag: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  const details = { kind: 'usage', expected: 'a whole number from 1 to 9999', received: text } as const
  throw new LockstepError('bad-configuration', flag, details)
}
