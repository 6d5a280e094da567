import { unsoundMagnitude } from './plain.ts'

/** Whether this can be a sum of so many losses, by the measure for the elements of a gradient: finite, and below 2^127 each. */
export function isSoundLoss(lossSum: number, count: number): boolean {
  return Math.abs(lossSum) < unsoundMagnitude * count
}
