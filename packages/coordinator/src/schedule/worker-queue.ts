import type { Pace } from './pace.ts'
import { createPaces, type Paces } from './paces.ts'
import type { Task } from './task.ts'

/** A copy of a task that a worker has been sent and has not answered. */
export type Held<T extends Task> = {
  readonly task: T
  /** False once the task was settled without this worker. Its answer then only updates its pace. */
  wanted: boolean
  /** When the worker could begin: when the task was sent, or when its step began if that was later; null before. */
  dueAtMs: number | null
}

/** The tasks of a worker in the order in which they were sent, and its pace. */
export type WorkerQueue<T extends Task> = {
  readonly workerId: number
  readonly held: Map<string, Held<T>>
  readonly paces: Paces
  lastAnswerAtMs: number
}

/** The time and the current step, by which queues are judged. */
export type Moment = { readonly nowMs: number; readonly step: number }

/** How far a worker may be off its pace for reasons of the machine: a garbage collection, a busy core. */
const noiseMs = 20

/**
 * A worker of unknown pace may first have to receive the state and compile its graph. It may take this long, and this
 * many times as long as another worker.
 */
const newcomer = { ms: 1000, times: 10 }

export function createQueue<T extends Task>(workerId: number, nowMs: number): WorkerQueue<T> {
  return { workerId, held: new Map(), paces: createPaces(), lastAnswerAtMs: nowMs }
}

/**
 * Removes an answered task from the queue and learns from it. Unwanted tasks of earlier steps are removed too, since
 * the worker has dropped them.
 */
export function takeAnswer<T extends Task>(
  queue: WorkerQueue<T>,
  key: string,
  { nowMs, step }: Moment,
): Held<T> | null {
  const held = queue.held.get(key) ?? null
  if (held !== null && held.dueAtMs !== null) queue.paces.learn(held.task, startOf(queue, held.dueAtMs), nowMs)
  queue.held.delete(key)
  queue.lastAnswerAtMs = nowMs
  forgetBefore(queue, step)
  return held
}

/** Drops unwanted copies of earlier steps: a worker that has reached `step` does not begin them. */
export function forgetBefore<T extends Task>({ held }: WorkerQueue<T>, step: number): void {
  for (const [key, { task, wanted }] of held) if (!wanted && task.step < step) held.delete(key)
}

/** The task that a worker is computing, judged by the order of sending, or null. Tasks of coming steps have to wait. */
export function runningOf<T extends Task>({ held }: WorkerQueue<T>, step: number): Held<T> | null {
  for (const each of held.values()) if (each.task.step <= step) return each
  return null
}

/** How long the worker has been computing its current task. */
export function elapsedMs<T extends Task>(queue: WorkerQueue<T>, running: Held<T>, nowMs: number): number {
  return running.dueAtMs === null ? 0 : nowMs - startOf(queue, running.dueAtMs)
}

/** The task that a worker has to answer next, and since when. */
export type DueTask<T extends Task> = { readonly task: T; readonly sinceMs: number }

/** Null while no task of the worker is due. */
export function dueTaskOf<T extends Task>(queue: WorkerQueue<T>, step: number): DueTask<T> | null {
  const running = runningOf(queue, step)
  if (running === null || running.dueAtMs === null) return null
  return { task: running.task, sinceMs: startOf(queue, running.dueAtMs) }
}

/** Whether a worker of known pace takes much longer for its current task than expected. */
export function isLate<T extends Task>(queue: WorkerQueue<T>, { nowMs, step }: Moment): boolean {
  const running = runningOf(queue, step)
  if (running === null) return false
  const pace = queue.paces.known(running.task.kind)
  if (pace === null) return false
  const { samples } = running.task
  return elapsedMs(queue, running, nowMs) > samples * pace.meanMs + slackMs(pace, samples)
}

/** Whether a worker of unknown pace takes much longer for its current task than one of the others would. */
export function isLateNewcomer<T extends Task>(
  queue: WorkerQueue<T>,
  others: readonly WorkerQueue<T>[],
  { nowMs, step }: Moment,
): boolean {
  const running = runningOf(queue, step)
  if (running === null) return false
  const { kind, samples } = running.task
  if (queue.paces.known(kind) !== null) return false
  const takenMs = elapsedMs(queue, running, nowMs)
  return others.some(({ paces }) => {
    const pace = paces.known(kind)
    return pace !== null && takenMs > Math.max(newcomer.ms, newcomer.times * samples * pace.meanMs)
  })
}

/** How much longer than expected a task may take before it counts as late. */
export function slackMs({ deviationMs }: Pace, samples: number): number {
  return Math.max(noiseMs, 4 * deviationMs * samples)
}

function startOf<T extends Task>({ lastAnswerAtMs }: WorkerQueue<T>, dueAtMs: number): number {
  return Math.max(lastAnswerAtMs, dueAtMs)
}
