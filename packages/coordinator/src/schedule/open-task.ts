import type { Task } from './task.ts'
import type { WorkerQueue } from './worker-queue.ts'

/** An unfinished task: who is at it, and who else is to be asked. */
export type OpenTask<T extends Task> = {
  readonly task: T
  readonly holders: Set<WorkerQueue<T>>
  /** Answers that are to come, each from another worker. */
  wanted: number
  /** Workers that have answered already and are not asked again. */
  barred: ReadonlySet<number>
  /** How often it is pending: for each wanted answer that no holder is at. */
  pending: number
}

/** Whether a worker may be given the task; null where everybody may. */
export type Restriction = ((workerId: number) => boolean) | null

export function openTask<T extends Task>(task: T, wanted: number): OpenTask<T> {
  return { task, holders: new Set(), wanted, barred: new Set(), pending: 0 }
}

export function restrictionOf<T extends Task>({ wanted, barred, holders }: OpenTask<T>): Restriction {
  if (wanted === 1 && barred.size === 0 && holders.size === 0) return null
  const asked = new Set(barred)
  for (const { workerId } of holders) asked.add(workerId)
  return workerId => !asked.has(workerId)
}

/** Whether a worker is at it beside as many as answers are wanted. */
export function isSpared<T extends Task>({ holders, wanted }: OpenTask<T>): boolean {
  return holders.size > wanted
}
