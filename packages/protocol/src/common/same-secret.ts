import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares without telling by its duration where two texts differ, or how long the expected one is. */
export function isSameSecret(received: string, expected: string): boolean {
  const [left, right] = [received, expected].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(left!, right!)
}
