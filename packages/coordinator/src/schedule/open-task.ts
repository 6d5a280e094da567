import type { Task } from './task.ts'
import type { WorkerQueue } from './worker-queue.ts'

/** An unfinished task: which workers hold it, and which may still be asked. */
export type OpenTask<T extends Task> = {
  readonly task: T
  readonly holders: Set<WorkerQueue<T>>
  /** Answers still needed, each from another worker. */
  wanted: number
  /** Workers that have answered already and are not asked again. */
  barred: ReadonlySet<number>
  /** How many times it is in the pending list: once for each needed answer without a holder. */
  pending: number
}

/** Whether a worker may get the task; null where all may. */
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

/** Whether the task has more holders than it needs answers. */
export function isSpared<T extends Task>({ holders, wanted }: OpenTask<T>): boolean {
  return holders.size > wanted
}
