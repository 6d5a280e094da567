import { createVectorPool, type PackedGradient } from '@lockstep/model/arithmetic'
import type { BatchFigures } from './step-exchange.ts'

/**
 * How many means are kept. The coordinator hands out work at most one step ahead of the step that it is at itself, so a
 * worker is at most two steps ahead of it: it may still have to be told the last two.
 */
const keptMeans = 2

/** Memory for so many more is kept for further steps: the one that is made and those that others have begun. */
const mostFree = 4

export type KeptMean = { readonly figures: BatchFigures; readonly mean: PackedGradient }

/** The means of the last steps, in memory that the computing thread sees too and that is used again. */
export type KeptMeans = {
  readonly take: () => PackedGradient
  readonly keep: (figures: BatchFigures, mean: PackedGradient) => void
  readonly find: (step: number) => KeptMean | null
}

/** `reached` is the step that the computing thread has come to: it reads nothing of earlier steps any more. */
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
