import { createVectorPool, type PackedGradient } from '@lockstep/model/arithmetic'
import type { BatchFigures } from './step-exchange.ts'

/**
 * How many means are kept. The coordinator hands out work at most one step ahead of its own step, so a worker is at
 * most two steps ahead of it and may be asked for the last two means.
 */
const keptMeans = 2

/** How many more vectors are kept for further steps: the one being reduced, and those that other members have begun. */
const mostFree = 4

export type KeptMean = { readonly figures: BatchFigures; readonly mean: PackedGradient }

/** The means of the last steps, in memory that is shared with the computing thread and reused. */
export type KeptMeans = {
  readonly take: () => PackedGradient
  readonly keep: (figures: BatchFigures, mean: PackedGradient) => void
  readonly find: (step: number) => KeptMean | null
}

/** `reached` is the step that the computing thread has reached: it no longer reads means of earlier steps. */
export function createKeptMeans(allocate: () => PackedGradient, reached: () => number): KeptMeans {
  const pool = createVectorPool(allocate, mostFree)
  const kept: KeptMean[] = []

  function keep(figures: BatchFigures, mean: PackedGradient): void {
    kept.push({ figures, mean })
    while (kept.length > keptMeans && kept[0]!.figures.step < reached()) pool.giveBack(kept.shift()!.mean)
  }

  return {
    keep,
    take: pool.take,
    find: step => kept.find(entry => entry.figures.step === step) ?? null,
  }
}
