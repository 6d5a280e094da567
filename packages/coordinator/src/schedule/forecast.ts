import type { Task } from './task.ts'
import { elapsedMs, type Held, type Moment, runningOf, type WorkerQueue } from './worker-queue.ts'

/** A task held by a worker, and the estimated time until it is done. */
export type Due<T extends Task> = { readonly held: Held<T>; readonly inMs: number }

type MsPerSample = Readonly<Record<Task['kind'], number>>

/** The schedule expected of one worker. */
export type Forecast<T extends Task> = {
  readonly queue: WorkerQueue<T>
  /** The time per sample on this worker; where its pace is unknown, the mean of the known ones. */
  readonly msPerSample: MsPerSample
}

/** The time per sample while no pace is known: then only the number of samples matters. */
const anyPaceMs = 1

/** The least time expected of a task: below it, messages and threads dominate. */
const leastTaskMs = 2

/** Estimates for all workers at one moment. */
export function createForecasts<T extends Task>(
  queues: ReadonlyMap<number, WorkerQueue<T>>,
  { nowMs, step }: Moment,
): readonly Forecast<T>[] {
  const means = { gradient: meanPaceMs(queues, 'gradient'), evaluation: meanPaceMs(queues, 'evaluation') }
  return Array.from(queues.values(), queue => {
    const running = runningOf(queue, step)
    const rate = (kind: Task['kind']) => {
      const known = queue.paces.known(kind)
      if (known === null) return means[kind]
      if (running?.task.kind !== kind) return known.meanMs
      return Math.max(known.meanMs, elapsedMs(queue, running, nowMs) / running.task.samples)
    }
    return { queue, msPerSample: { gradient: rate('gradient'), evaluation: rate('evaluation') } }
  })
}

/** Estimated time of a task on this worker. */
export function taskMs<T extends Task>({ msPerSample }: Forecast<T>, { kind, samples }: T): number {
  return Math.max(leastTaskMs, samples * msPerSample[kind])
}

/** Estimated time until the worker has finished all its tasks of a step. */
export function loadMs<T extends Task>(forecast: Forecast<T>, step: number, moment: Moment): number {
  if (step <= moment.step) return dueTimes(forecast, moment).at(-1)?.inMs ?? 0
  let sumMs = 0
  for (const { task } of forecast.queue.held.values()) if (task.step === step) sumMs += taskMs(forecast, task)
  return sumMs
}

/** Tasks due in the current step, in the order in which the worker computes them. */
export function dueTimes<T extends Task>(forecast: Forecast<T>, { nowMs, step }: Moment): readonly Due<T>[] {
  const { queue } = forecast
  const running = runningOf(queue, step)
  const due: Due<T>[] = []
  let inMs = 0
  for (const held of queue.held.values()) {
    const { task, wanted } = held
    // The worker finishes a running task of an earlier step, and drops the others.
    if (task.step > step || (held !== running && !wanted && task.step < step)) continue
    const leftMs = held === running ? remainingMs(queue, held, nowMs) : null
    inMs += leftMs ?? taskMs(forecast, task)
    due.push({ held, inMs })
  }
  return due
}

function meanPaceMs<T extends Task>(queues: ReadonlyMap<number, WorkerQueue<T>>, kind: Task['kind']): number {
  let [sumMs, count] = [0, 0]
  for (const queue of queues.values()) {
    const pace = queue.paces.known(kind)
    if (pace === null) continue
    sumMs += pace.meanMs
    count += 1
  }
  return count === 0 ? anyPaceMs : sumMs / count
}

/**
 * Estimated time left of the running task; once it is overdue, the time by which it is overdue. Null while the pace is
 * unknown.
 */
function remainingMs<T extends Task>(queue: WorkerQueue<T>, running: Held<T>, nowMs: number): number | null {
  const { kind, samples } = running.task
  const pace = queue.paces.known(kind)
  return pace === null ? null : Math.abs(samples * pace.meanMs - elapsedMs(queue, running, nowMs))
}
