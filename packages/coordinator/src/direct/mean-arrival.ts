import type { PackedGradient } from '@lockstep/model/arithmetic'
import type { MessageOf, Range } from '@lockstep/protocol'

/** The totals of the batch whose mean gradient has arrived. */
export type MeanFigures = { readonly total: number; readonly lossSum: number; readonly correct: number }

/** A mean gradient that is arriving from the workers that have reduced it. */
export type MeanArrival = {
  /** Takes elements from a worker. Returns what is wrong with them, or null. */
  readonly take: (workerId: number, slice: MessageOf<'slice'>, elements: PackedGradient) => string | null
  /** The totals of the batch once all elements have arrived; null before. */
  readonly figures: () => MeanFigures | null
}

/** Writes elements to their place in the vector. */
export type WriteMean = (start: number, elements: PackedGradient) => void

/** Tracks the ranges that the workers send. Each worker sends its range in order, from start to end. */
export function createMeanArrival(write: WriteMean, ranges: ReadonlyMap<number, Range>): MeanArrival {
  const next = new Map([...ranges].map(([workerId, { start }]) => [workerId, start]))
  let missing = [...ranges.values()].reduce((sum, { start, end }) => sum + end - start, 0)
  let figures: MeanFigures | null = null

  function take(workerId: number, slice: MessageOf<'slice'>, elements: PackedGradient): string | null {
    const { start, length, total, lossSum, correct } = slice
    const range = ranges.get(workerId)
    if (range === undefined || start !== next.get(workerId) || start + length > range.end) {
      return `elements ${start} to ${start + length} of a mean, which it does not own or which are out of order`
    }
    if (correct > total) return `${correct} of ${total} samples correct`
    write(start, elements)
    next.set(workerId, start + length)
    missing -= length
    figures = { total, lossSum, correct }
    return null
  }

  return { take, figures: () => (missing === 0 ? figures : null) }
}
