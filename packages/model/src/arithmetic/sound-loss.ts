import { unsoundMagnitude } from './plain.ts'

/**
 * Whether `lossSum` is sound by the limit for gradient elements: a finite magnitude, on average below 2^127 per loss.
 */
export function isSoundLoss(lossSum: number, count: number): boolean {
  return Math.abs(lossSum) < unsoundMagnitude * count
}
