import { assignPending } from './assign.ts'
import { createForecasts } from './forecast.ts'
import { hangLimitMs } from './hang.ts'
import { type OpenTask, openTask, restrictionOf } from './open-task.ts'
import { speculativeCopies } from './speculation.ts'
import { type Assignment, isBefore, type Task } from './task.ts'
import {
  createQueue,
  type DueTask,
  dueTaskOf,
  forgetBefore,
  type Moment,
  runningOf,
  takeAnswer,
  type WorkerQueue,
} from './worker-queue.ts'

/**
 * Decides which worker computes what. It knows neither sockets nor clocks: it is told who joins, who leaves, what is
 * answered and when, and returns what to send to whom.
 *
 * - A task goes to the worker that should finish it first.
 * - A worker gets `window` tasks at once, and more where they are small, so that it never runs dry between two tasks.
 *   Only tasks due no later than the new one count, so a lost worker's task finds a place even if all workers hold
 *   tasks of later steps.
 * - A task whose worker is late is also given to an idle worker, and the first answer counts.
 * - Where a task needs several answers, each comes from a different worker.
 */
export type Schedule<T extends Task> = {
  /** `answers`: how many the task needs; 1 by default. */
  readonly add: (task: T, answers?: number) => void
  readonly join: (workerId: number, nowMs: number) => void
  /** Removes a worker. Tasks that only it held become pending again. */
  readonly leave: (workerId: number) => void
  /** The unfinished task that a worker holds under this key, or null. */
  readonly find: (workerId: number, key: string) => T | null
  /** Takes an answer: finishes the task unless it is finished already, and updates the worker's pace. */
  readonly complete: (workerId: number, key: string, nowMs: number) => void
  /** Takes an answer that does not finish the task: it needs one answer less, and none from this worker. */
  readonly answer: (workerId: number, key: string, nowMs: number) => void
  /** Sets how many answers an unfinished task still needs, and which workers are barred from it. */
  readonly ask: (key: string, answers: number, barred: ReadonlySet<number>) => void
  /** Removes an unfinished task and returns it; null when there is none. Answers from its holders are then dropped. */
  readonly withdraw: (key: string, nowMs: number) => T | null
  /** A worker has reported the step it has reached: it has dropped its tasks of earlier steps. */
  readonly reach: (workerId: number, step: number) => void
  /** The unfinished task that a worker is computing, or null. */
  readonly running: (workerId: number) => T | null
  /** How long a worker may compute its current task before it counts as hung. */
  readonly hangLimitMs: (workerId: number) => number
  /** The task that a worker has to answer next, and since when; null while none is due. */
  readonly dueTask: (workerId: number) => DueTask<T> | null
  /** Pending tasks to send now. */
  readonly assign: (nowMs: number) => readonly Assignment<T>[]
  /** Tasks to send now to a second worker, because the first one is late. */
  readonly speculate: (nowMs: number) => readonly Assignment<T>[]
  /**
   * Whether passing time alone gives nothing to send: no task is pending, and no idle worker could take over a late
   * one.
   */
  readonly isSettled: () => boolean
}

export function createSchedule<T extends Task>(window: number): Schedule<T> {
  const open = new Map<string, OpenTask<T>>()
  /** Unfinished tasks of each step. */
  const left = new Map<number, number>()
  const pending: T[] = []
  const queues = new Map<number, WorkerQueue<T>>()
  /** The earliest step with unfinished tasks, the only one whose tasks can be computed. */
  let current = 0

  function add(task: T, answers = 1): void {
    const entry = openTask(task, answers)
    open.set(task.key, entry)
    left.set(task.step, (left.get(task.step) ?? 0) + 1)
    refill(entry)
  }

  /** Keeps a task in the pending list once for each answer without a holder. */
  function refill(entry: OpenTask<T>): void {
    const missing = Math.max(0, entry.wanted - entry.holders.size)
    for (; entry.pending < missing; entry.pending++) queue(entry.task)
    for (; entry.pending > missing; entry.pending--) pending.splice(pending.indexOf(entry.task), 1)
  }

  function queue(task: T): void {
    let at = pending.length
    while (at > 0 && isBefore(task, pending[at - 1]!)) at--
    pending.splice(at, 0, task)
  }

  function leave(workerId: number): void {
    const queue = queues.get(workerId)
    queues.delete(workerId)
    for (const { task, wanted } of queue?.held.values() ?? []) {
      const entry = wanted ? open.get(task.key) : undefined
      if (entry?.holders.delete(queue!)) refill(entry)
    }
  }

  /** Removes an answered task from its worker's queue. Null when the answer is not needed, or no longer. */
  function take(workerId: number, key: string, nowMs: number): OpenTask<T> | null {
    const queue = queues.get(workerId)
    if (queue === undefined || !takeAnswer(queue, key, { nowMs, step: current })?.wanted) return null
    const entry = open.get(key)!
    entry.holders.delete(queue)
    return entry
  }

  function complete(workerId: number, key: string, nowMs: number): void {
    const entry = take(workerId, key, nowMs)
    if (entry !== null) close(entry, nowMs)
  }

  function answer(workerId: number, key: string, nowMs: number): void {
    const entry = take(workerId, key, nowMs)
    if (entry === null) return
    ask(key, entry.wanted - 1, new Set([...entry.barred, workerId]))
  }

  function ask(key: string, answers: number, barred: ReadonlySet<number>): void {
    const entry = open.get(key)
    if (entry === undefined) return
    entry.wanted = answers
    entry.barred = barred
    refill(entry)
  }

  function withdraw(key: string, nowMs: number): T | null {
    const entry = open.get(key)
    if (entry === undefined) return null
    close(entry, nowMs)
    return entry.task
  }

  function close(entry: OpenTask<T>, nowMs: number): void {
    const { key } = entry.task
    for (const { held } of entry.holders) held.get(key)!.wanted = false
    entry.holders.clear()
    entry.wanted = 0
    refill(entry)
    finish(entry.task)
    moveOn(nowMs)
  }

  function finish({ key, step }: T): void {
    open.delete(key)
    const others = left.get(step)! - 1
    if (others > 0) left.set(step, others)
    else left.delete(step)
  }

  /** Finds the current step, and notes when the tasks that waited for it became due. */
  function moveOn(nowMs: number): void {
    const step = Math.min(...left.keys())
    if (step === current || left.size === 0) return
    current = step
    for (const { held } of queues.values()) {
      for (const each of held.values()) if (each.task.step <= step) each.dueAtMs ??= nowMs
    }
  }

  function assign(nowMs: number): readonly Assignment<T>[] {
    if (pending.length === 0) return []
    moveOn(nowMs)
    const moment = { nowMs, step: current }
    const restrict = (task: T) => restrictionOf(open.get(task.key)!)
    const assignments = assignPending(pending, createForecasts(queues, moment), { moment, window, restrict })
    for (const { task } of assignments) open.get(task.key)!.pending -= 1
    return hand(assignments, moment)
  }

  function speculate(nowMs: number): readonly Assignment<T>[] {
    const moment = { nowMs, step: current }
    if (open.size === 0 || (pending[0]?.step ?? Number.POSITIVE_INFINITY) <= current) return []
    const copies = speculativeCopies(createForecasts(queues, moment), moment, task => open.get(task.key)!)
    return hand(copies, moment)
  }

  function isSettled(): boolean {
    if (pending.length > 0) return false
    if (open.size === 0) return true
    for (const queue of queues.values()) if (runningOf(queue, current) === null) return false
    return true
  }

  /**
   * Returns what must be sent. A worker that still computes an earlier, cancelled copy of a task continues with that
   * copy.
   */
  function hand(assignments: readonly Assignment<T>[], { nowMs }: Moment): readonly Assignment<T>[] {
    return assignments.filter(({ workerId, task }) => {
      const queue = queues.get(workerId)!
      const earlier = queue.held.get(task.key)
      const dueAtMs = earlier?.dueAtMs ?? (task.step <= current ? nowMs : null)
      queue.held.set(task.key, { task, wanted: true, dueAtMs })
      open.get(task.key)!.holders.add(queue)
      return earlier === undefined
    })
  }

  return {
    add,
    join: (workerId, nowMs) => void queues.set(workerId, createQueue(workerId, nowMs)),
    leave,
    find: (workerId, key) => {
      const held = queues.get(workerId)?.held.get(key)
      return held?.wanted === true ? held.task : null
    },
    complete,
    answer,
    ask,
    withdraw,
    reach: (workerId, step) => {
      const queue = queues.get(workerId)
      if (queue !== undefined) forgetBefore(queue, Math.min(step, current))
    },
    running: workerId => {
      const queue = queues.get(workerId)
      const running = queue === undefined ? null : runningOf(queue, current)
      return running?.wanted === true ? running.task : null
    },
    hangLimitMs: workerId => {
      const queue = queues.get(workerId)
      return queue === undefined ? Number.POSITIVE_INFINITY : hangLimitMs(queue, current)
    },
    dueTask: workerId => {
      const queue = queues.get(workerId)
      return queue === undefined ? null : dueTaskOf(queue, current)
    },
    assign,
    speculate,
    isSettled,
  }
}
