import type { BatchFigures } from './step-exchange.ts'

/**
 * How many means are kept. The coordinator hands out work at most one step ahead of the step that it is at itself, so a
 * worker is at most two steps ahead of it: it may still have to be told the last two.
 */
const keptMeans = 2

export type KeptMean = { readonly figures: BatchFigures; readonly mean: Float32Array }

/** The means of the last steps, in memory that the computing thread sees too and that is used again. */
export type KeptMeans = {
  readonly take: () => Float32Array
  readonly keep: (figures: BatchFigures, mean: Float32Array) => void
  readonly find: (step: number) => KeptMean | null
}

/** `reached` is the step that the computing thread has come to: it reads nothing of earlier steps any more. */
export function createKeptMeans(elements: number, reached: () => number): KeptMeans {
  const free: Float32Array[] = []
  const kept: KeptMean[] = []

  function keep(figures: BatchFigures, mean: Float32Array): void {
    kept.push({ figures, mean })
    while (kept.length > keptMeans && kept[0]!.figures.step < reached()) free.push(kept.shift()!.mean)
  }

  return {
    keep,
    take: () => free.pop() ?? new Float32Array(new SharedArrayBuffer(elements * Float32Array.BYTES_PER_ELEMENT)),
    find: step => kept.find(entry => entry.figures.step === step) ?? null,
  }
}
