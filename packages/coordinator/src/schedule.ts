/** A piece of work that any worker can do: a shard's gradient or a chunk's evaluation. */
export type Task = {
  readonly key: string
  /** The step whose weights it needs: earlier ones go first. */
  readonly step: number
  /** Order within the step. */
  readonly index: number
}

export type Assignment<T extends Task> = { readonly workerId: number; readonly task: T }

/**
 * Which worker does what. Knows neither sockets nor time: it is told who joins, who leaves and what is done, and says
 * what to send to whom.
 *
 * A worker is given at most `window` tasks at once, counting only those that are due no later than the new one: it
 * never runs dry between two tasks, a faster worker is given more, and a task of a lost worker finds a place even if
 * everybody holds tasks of later steps already.
 */
export type Schedule<T extends Task> = {
  readonly add: (task: T) => void
  readonly join: (workerId: number) => void
  /** Takes a worker out; its unfinished tasks are to be done again. */
  readonly leave: (workerId: number) => void
  /** The task that a worker holds under this key, or null. */
  readonly find: (workerId: number, key: string) => T | null
  /** Marks a task as done by the worker that holds it. */
  readonly complete: (workerId: number, key: string) => void
  /** Gives pending tasks to workers with room, each to the one that has the least to do before it. */
  readonly assign: () => readonly Assignment<T>[]
}

export function createSchedule<T extends Task>(window: number): Schedule<T> {
  const pending: T[] = []
  const held = new Map<number, Map<string, T>>()

  function add(task: T): void {
    let at = pending.length
    while (at > 0 && isBefore(task, pending[at - 1]!)) at--
    pending.splice(at, 0, task)
  }

  function leave(workerId: number): void {
    const tasks = held.get(workerId)
    held.delete(workerId)
    for (const task of tasks?.values() ?? []) add(task)
  }

  function assign(): readonly Assignment<T>[] {
    const assignments: Assignment<T>[] = []
    while (pending.length > 0) {
      const workerId = leastLoaded(pending[0]!)
      if (workerId === null) break
      const task = pending.shift()!
      held.get(workerId)!.set(task.key, task)
      assignments.push({ workerId, task })
    }
    return assignments
  }

  function leastLoaded(task: T): number | null {
    let best: { workerId: number; due: number; total: number } | null = null
    for (const [workerId, tasks] of held) {
      const due = countDue(tasks, task.step)
      if (due >= window) continue
      const candidate = { workerId, due, total: tasks.size }
      if (best === null || compareLoad(candidate, best) < 0) best = candidate
    }
    return best?.workerId ?? null
  }

  return {
    add,
    join: workerId => void held.set(workerId, new Map()),
    leave,
    find: (workerId, key) => held.get(workerId)?.get(key) ?? null,
    complete: (workerId, key) => void held.get(workerId)?.delete(key),
    assign,
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.step < b.step || (a.step === b.step && a.index < b.index)
}

function countDue(tasks: ReadonlyMap<string, Task>, step: number): number {
  let due = 0
  for (const task of tasks.values()) if (task.step <= step) due++
  return due
}

type Load = { readonly workerId: number; readonly due: number; readonly total: number }

function compareLoad(a: Load, b: Load): number {
  return a.due - b.due || a.total - b.total || a.workerId - b.workerId
}
