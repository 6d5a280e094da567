import type { Metric } from './curves.ts'

export type Range = readonly [low: number, high: number]

/** Free space as fractions of the range of values: around the curves, and on the side where the best is labelled. */
const margin = 0.04
const labelRoom = 0.12

const mostEpochTicks = 11

/** The epochs with a tick: all if they are few, else multiples of 1, 2 or 5 times a power of ten, and the first. */
export function epochTicks(lastEpoch: number): readonly number[] {
  const step = epochStep(lastEpoch)
  const multiples = Array.from({ length: Math.floor(lastEpoch / step) }, (_, index) => (index + 1) * step)
  // There is no room for a tick at 1 next to one at 2.
  return step === 1 || step === 2 ? multiples : [1, ...multiples]
}

/** The range of the epoch axis. A single epoch is in the middle. */
export function epochRange(lastEpoch: number): Range {
  return lastEpoch <= 1 ? [0, 2] : [1, lastEpoch]
}

/**
 * The range of the value axis: all values and a margin, which is wider on the side where the best is labelled (above
 * for a loss, below for an accuracy). It is never below zero, and starts at zero for a learning rate.
 */
export function valueRange(values: readonly number[], metric: Metric): Range {
  const lowest = Math.min(...values)
  const highest = Math.max(...values)
  if (lowest === highest) return [lowest * 0.8, highest * 1.2 || 1]
  const span = highest - lowest
  if (metric === 'learning-rate') return [0, highest + margin * highest]
  if (metric === 'loss') return [Math.max(0, lowest - margin * span), highest + labelRoom * span]
  return [Math.max(0, lowest - labelRoom * span), highest + margin * span]
}

/** Moves overlapping labels at least `gap` apart, as little as possible and in the same order. */
export function spreadLabels(values: readonly number[], gap: number): readonly number[] {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  const placed = [...values]
  for (const [rank, index] of order.entries()) {
    const below = order[rank - 1]
    if (below === undefined) continue
    const overlap = gap - ((placed[index] ?? 0) - (placed[below] ?? 0))
    if (overlap <= 0) continue
    placed[below] = (placed[below] ?? 0) - overlap / 2
    placed[index] = (placed[index] ?? 0) + overlap / 2
  }
  return placed
}

function epochStep(lastEpoch: number): number {
  for (let power = 1; ; power *= 10) {
    const step = [1, 2, 5].map(digit => digit * power).find(candidate => lastEpoch / candidate <= mostEpochTicks)
    if (step !== undefined) return step
  }
}
