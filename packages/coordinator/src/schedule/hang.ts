import { type Bench, elapsedMs, type Moment, runningOf } from './bench.ts'
import type { Task } from './task.ts'

/** So many times what a task takes by the worker's pace is no delay any more. */
const tooManyTimes = 10

/** Below this a worker is only late: a machine may stall for seconds, and the graph of a new shape may be compiled. */
const leastMs = 20_000

/** While the pace is unknown: to compile the graph of a large model, and a second for each sample on the slowest machine. */
const unknownPace = { graphMs: 60_000, sampleMs: 1000 }

/** How long a worker may be at what it computes at this step before it counts as hung. */
export function hangLimitMs<T extends Task>(bench: Bench<T>, step: number): number {
  const running = runningOf(bench, step)
  if (running === null) return Number.POSITIVE_INFINITY
  const { kind, samples } = running.task
  const pace = bench.paces.known(kind)
  if (pace === null) return unknownPace.graphMs + samples * unknownPace.sampleMs
  return Math.max(leastMs, tooManyTimes * samples * pace.meanMs)
}

/** Whether a worker has been at what it computes now for longer, whatever it says of itself. */
export function isOverdue<T extends Task>(bench: Bench<T>, { nowMs, step }: Moment): boolean {
  const running = runningOf(bench, step)
  return running !== null && elapsedMs(bench, running, nowMs) > hangLimitMs(bench, step)
}
