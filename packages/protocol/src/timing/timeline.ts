import { z } from 'zod'
import { workerPhases } from './phases.ts'

/**
 * A stretch of time without gaps. It holds the start, by the clock of the measured thread, then for each piece the
 * number of its phase and its duration: [startMs, phase, ms, phase, ms, …].
 */
export type Times = readonly number[]

/** The most pieces in a worker's report. */
export const maxPieces = 32

/** The times in a `gradient` message. */
export const timesSchema = z
  .array(z.number())
  .refine(areTimes, 'expected a start, then numbers of phases and durations in turn')
  .readonly()

/** Whether the numbers of a peer can be used as times. */
export function areTimes(numbers: readonly number[]): boolean {
  if (numbers.length % 2 === 0 || numbers.length > 1 + 2 * maxPieces) return false
  for (const ms of numbers) if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) return false
  for (let at = 1; at < numbers.length; at += 2) {
    if (!Number.isInteger(numbers[at]) || numbers[at]! >= workerPhases.length) return false
  }
  return true
}

/** Records what time is spent on. The clock never stops: every moment belongs to a phase. */
export type Timeline<Phase extends string> = {
  /** Starts a phase. Returns the previous one, to return to after a nested phase. */
  readonly enter: (phase: Phase) => Phase
  /** The pieces since the last call. The current phase continues. */
  readonly take: () => Times
}

/**
 * Starts in the first phase. A piece costs one reading of the clock and two writes into existing memory. When nearly
 * all room is used, pieces are added to the last one of their phase: sums stay right, but order is lost.
 */
export function createTimeline<Phase extends string>(
  phases: readonly Phase[],
  nowMs: () => number,
  capacity = maxPieces,
): Timeline<Phase> {
  const pieces = new Float64Array(2 * capacity)
  /** Room beyond this is for phases that have no piece yet. */
  const roomForAny = 2 * (capacity - phases.length)
  let length = 0
  let current = 0
  let startMs = nowMs()
  let sinceMs = startMs

  function end(): void {
    const untilMs = nowMs()
    add(untilMs - sinceMs)
    sinceMs = untilMs
  }

  function add(durationMs: number): void {
    const last = lastPieceOf(current)
    const joins = last >= 0 && (last === length - 2 || length >= roomForAny)
    if (joins) {
      pieces[last + 1]! += durationMs
      return
    }
    pieces[length] = current
    pieces[length + 1] = durationMs
    length += 2
  }

  function lastPieceOf(phase: number): number {
    let at = length - 2
    while (at >= 0 && pieces[at] !== phase) at -= 2
    return at
  }

  return {
    enter: phase => {
      const before = phases[current]!
      if (phase === before) return before
      end()
      current = phases.indexOf(phase)
      return before
    },
    take: () => {
      end()
      const times = [startMs]
      for (let at = 0; at < length; at++) times.push(pieces[at]!)
      length = 0
      startMs = sinceMs
      return times
    },
  }
}

/** Calls back for each piece of a stretch, in order, with the number of its phase. */
export function forEachPiece(times: Times, visit: (phase: number, startMs: number, durationMs: number) => void): void {
  let startMs = times[0]!
  for (let at = 1; at < times.length; at += 2) {
    const durationMs = times[at + 1]!
    visit(times[at]!, startMs, durationMs)
    startMs += durationMs
  }
}
