import type { Task } from './task.ts'
import { elapsedMs, type Held, type Moment, runningOf, type WorkerQueue } from './worker-queue.ts'

/** A task in hand and the time from now until it will by estimate be done. */
export type Due<T extends Task> = { readonly held: Held<T>; readonly inMs: number }

type MsPerSample = Readonly<Record<Task['kind'], number>>

/** What one worker is expected to do with its time. */
export type Outlook<T extends Task> = {
  readonly queue: WorkerQueue<T>
  /** How long a sample takes here; by the mean of the known workers where this one is not known. */
  readonly msPerSample: MsPerSample
}

/** Stands for the time of a sample while nobody's is known: then only the number of samples tells workers apart. */
const anyPaceMs = 1

/** No task is expected to take less: below that it is messages and threads that take the time. */
const leastTaskMs = 2

/** Estimates for all workers at one moment. */
export function createOutlooks<T extends Task>(
  queues: ReadonlyMap<number, WorkerQueue<T>>,
  { nowMs, step }: Moment,
): readonly Outlook<T>[] {
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

/** How long a worker takes for a task. */
export function taskMs<T extends Task>({ msPerSample }: Outlook<T>, { kind, samples }: T): number {
  return Math.max(leastTaskMs, samples * msPerSample[kind])
}

/** Time from now until the worker is done with all that it holds of a step. */
export function loadMs<T extends Task>(outlook: Outlook<T>, step: number, moment: Moment): number {
  if (step <= moment.step) return dueTimes(outlook, moment).at(-1)?.inMs ?? 0
  let sumMs = 0
  for (const { task } of outlook.queue.held.values()) if (task.step === step) sumMs += taskMs(outlook, task)
  return sumMs
}

/** What is due in the step that is under way, in the order in which it is done. */
export function dueTimes<T extends Task>(outlook: Outlook<T>, { nowMs, step }: Moment): readonly Due<T>[] {
  const { queue } = outlook
  const running = runningOf(queue, step)
  const due: Due<T>[] = []
  let inMs = 0
  for (const held of queue.held.values()) {
    const { task, wanted } = held
    // Of earlier steps it finishes what it is at; the others it drops.
    if (task.step > step || (held !== running && !wanted && task.step < step)) continue
    const leftMs = held === running ? remainingMs(queue, held, nowMs) : null
    inMs += leftMs ?? taskMs(outlook, task)
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

/** What is left of the running task; once it is overdue, as much again as it is overdue by. Null while unknown. */
function remainingMs<T extends Task>(queue: WorkerQueue<T>, running: Held<T>, nowMs: number): number | null {
  const { kind, samples } = running.task
  const pace = queue.paces.known(kind)
  return pace === null ? null : Math.abs(samples * pace.meanMs - elapsedMs(queue, running, nowMs))
}
