import type { Pace } from './pace.ts'
import { createPaces, type Paces } from './paces.ts'
import type { Task } from './task.ts'

/** A copy of a task that a worker has been sent and has not answered. */
export type Held<T extends Task> = {
  readonly task: T
  /** False once another worker was first: its answer tells how fast it is, no more. */
  wanted: boolean
  /** When it could be begun: when it was sent, or when its step began if that came later; null before. */
  dueAtMs: number | null
}

/** What a worker has before it, in the order in which it was sent, and how fast it is. */
export type WorkerQueue<T extends Task> = {
  readonly workerId: number
  readonly held: Map<string, Held<T>>
  readonly paces: Paces
  lastAnswerAtMs: number
}

/** The clock and the step that is under way, by which queues are judged. */
export type Moment = { readonly nowMs: number; readonly step: number }

/** What the pace of a worker may be off by for reasons of the machine: a garbage collection, a busy core. */
const noiseMs = 20

/**
 * A worker of unknown pace may have to be sent the state first, and to compile its graph. It may take so long, and so many times what
 * another one takes.
 */
const newcomer = { ms: 1000, times: 10 }

export function createQueue<T extends Task>(workerId: number, nowMs: number): WorkerQueue<T> {
  return { workerId, held: new Map(), paces: createPaces(), lastAnswerAtMs: nowMs }
}

/** Takes an answer off the queue and learns from it. Whatever was sent before for an earlier step has been dropped there. */
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

/** Drops unwanted copies of earlier steps: a worker that has come to `step` does not begin them any more. */
export function forgetBefore<T extends Task>({ held }: WorkerQueue<T>, step: number): void {
  for (const [key, { task, wanted }] of held) if (!wanted && task.step < step) held.delete(key)
}

/** What a worker computes now, by the order in which it was sent, or null; copies of coming steps have to wait. */
export function runningOf<T extends Task>({ held }: WorkerQueue<T>, step: number): Held<T> | null {
  for (const each of held.values()) if (each.task.step <= step) return each
  return null
}

/** How long the worker has been at what it computes now. */
export function elapsedMs<T extends Task>(queue: WorkerQueue<T>, running: Held<T>, nowMs: number): number {
  return running.dueAtMs === null ? 0 : nowMs - startOf(queue, running.dueAtMs)
}

/** What a worker has to answer next, and since when. */
export type Duty<T extends Task> = { readonly task: T; readonly sinceMs: number }

/** Null while nothing that the worker holds is due. */
export function dutyOf<T extends Task>(queue: WorkerQueue<T>, step: number): Duty<T> | null {
  const running = runningOf(queue, step)
  if (running === null || running.dueAtMs === null) return null
  return { task: running.task, sinceMs: startOf(queue, running.dueAtMs) }
}

/** True when a worker of known pace takes much longer for what it computes now than it should. */
export function isLate<T extends Task>(queue: WorkerQueue<T>, { nowMs, step }: Moment): boolean {
  const running = runningOf(queue, step)
  if (running === null) return false
  const pace = queue.paces.known(running.task.kind)
  if (pace === null) return false
  const { samples } = running.task
  return elapsedMs(queue, running, nowMs) > samples * pace.meanMs + slackMs(pace, samples)
}

/** True when a worker whose pace is unknown takes much longer for what it computes now than one of these others would. */
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

/** How much longer than expected a task may take before that means anything. */
export function slackMs({ deviationMs }: Pace, samples: number): number {
  return Math.max(noiseMs, 4 * deviationMs * samples)
}

function startOf<T extends Task>({ lastAnswerAtMs }: WorkerQueue<T>, dueAtMs: number): number {
  return Math.max(lastAnswerAtMs, dueAtMs)
}
