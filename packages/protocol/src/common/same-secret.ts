import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares two texts in a time that reveals neither where they differ nor the length of the expected one. */
export function isSameSecret(received: string, expected: string): boolean {
  const [left, right] = [received, expected].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(left!, right!)
}
