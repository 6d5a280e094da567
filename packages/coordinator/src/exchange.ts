import type { Cancel, Clock, LockstepError, MessageOf, Tensors } from '@lockstep/protocol'
import { type Vote, voteWithoutData } from './audit/vote.ts'
import { createVoting, type DecisionListener } from './audit/voting.ts'
import { hungRepeatedly, mostHangs } from './schedule/hang.ts'
import { createSchedule } from './schedule/schedule.ts'
import type { Assignment, Task } from './schedule/task.ts'
import type { DueTask } from './schedule/worker-queue.ts'

/** How often to look for late workers. */
const lookEveryMs = 20

/** The message that tells a worker to do a task. The task's tensors travel with it. */
export type Order = Omit<MessageOf<'work'>, 'slot'> | Omit<MessageOf<'evaluate'>, 'slot'>

/** A task with what is needed to send it and to check its answers. */
export type SendableTask<Result> = Task & {
  readonly order: Order
  /** Called each time the task is sent. They may be written to `room`, which has space for them. */
  readonly tensors: (room?: Tensors) => Tensors
  /** Called with the worker to which the task is sent. */
  readonly onSent?: (workerId: number) => void
  /** What is wrong with an answer, or null. */
  readonly findFault: (result: Result) => string | null
  /** How many workers have to agree. By default one sound answer is enough. */
  readonly votesNeeded?: 1 | 2
  /** Reads an answer's data before the worker gets another task. By default an answer is accepted as it is. */
  readonly readVote?: (result: Result) => Vote
}

/** `taken`: the answer settled its task at once. `fault`: what is wrong with the answer, or null. */
export type AnswerOutcome = { readonly taken: boolean; readonly fault: string | null }

/**
 * Turns tasks into results, whichever worker computes them. A task is sent to a worker, sent again when that worker is
 * lost, and copied to a second worker when it is late. It resolves with the first answer from a worker that holds it.
 * Where that answer is not sound, or several workers have to agree, others are asked as well.
 */
export type Exchange<Result> = {
  readonly submit: (task: SendableTask<Result>) => Promise<Result>
  /** Submits tasks together, which takes one assignment for all instead of one each. */
  readonly submitAll: (tasks: readonly SendableTask<Result>[]) => readonly Promise<Result>[]
  readonly join: (workerId: number) => void
  readonly leave: (workerId: number) => void
  /** Takes a worker's answer. After a fault the worker keeps the task until it leaves. */
  readonly deliver: (workerId: number, key: string, result: Result) => AnswerOutcome
  /**
   * Whether a task depends on an answer from this worker or another one. A group's task does not: the group's step goes
   * on without the coordinator.
   */
  readonly awaits: (workerId: number, key: string) => boolean
  /** Drops a task whose result was obtained another way. Its promise stays open. */
  readonly withdraw: (key: string) => void
  /** A worker has reported the step it has reached. */
  readonly reach: (workerId: number, step: number) => void
  /** How long a worker may compute its current task before it counts as hung. */
  readonly hangLimitMs: (workerId: number) => number
  /** The task that a worker has to answer next, and since when; null while none is due, or when it is a group's. */
  readonly dueTask: (workerId: number) => DueTask<Task> | null
  /**
   * Records that a worker, which is still connected, has hung for this long. The task fails once too many workers have
   * hung on it.
   */
  readonly noteHang: (workerId: number, hangingMs: number) => void
  /** Fails everything unfinished, now and later. */
  readonly abort: (error: LockstepError) => void
  /** Stops looking for late workers and clears the timer. */
  readonly stop: () => void
}

type Entry<Result> = SendableTask<Result> & {
  readonly votesNeeded: 1 | 2
  /** How often workers have hung on it. */
  hangs: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: LockstepError) => void
}

export function createExchange<Result>(
  window: number,
  send: (workerId: number, task: SendableTask<Result>) => void,
  clock: Pick<Clock, 'nowMs' | 'after'>,
  listener: DecisionListener = nobody,
): Exchange<Result> {
  const { nowMs } = clock
  const schedule = createSchedule<Entry<Result>>(window)
  const voting = createVoting<Result, Entry<Result>>({
    ask: ({ key }, answers, barred) => schedule.ask(key, answers, barred),
    settle: (entry, result) => end(entry, () => entry.resolve(result)),
    fail: (entry, error) => end(entry, () => entry.reject(error)),
    listener,
  })
  const unfinished = new Set<Entry<Result>>()
  let aborted: LockstepError | null = null
  let cancelLook: Cancel | null = null
  let isStopped = false

  function dispatch(): void {
    if (aborted !== null) return
    sendAll(schedule.assign(nowMs()))
    watch()
  }

  /** No timer runs while all workers are busy: it would take time from one of them where they share cores. */
  function watch(): void {
    if (isStopped) return
    if (schedule.isSettled()) return rest()
    cancelLook ??= clock.after(lookEveryMs, look)
  }

  function look(): void {
    cancelLook = null
    dispatch()
    if (aborted === null) sendAll(schedule.speculate(nowMs()))
    watch()
  }

  function rest(): void {
    cancelLook?.()
    cancelLook = null
  }

  function stop(): void {
    isStopped = true
    rest()
  }

  function sendAll(assignments: readonly Assignment<Entry<Result>>[]): void {
    for (const { workerId, task } of assignments) {
      task.onSent?.(workerId)
      send(workerId, task)
    }
  }

  function submit(task: SendableTask<Result>): Promise<Result> {
    return submitAll([task])[0]!
  }

  function submitAll(tasks: readonly SendableTask<Result>[]): readonly Promise<Result>[] {
    const results = tasks.map(enter)
    dispatch()
    return results
  }

  function enter(task: SendableTask<Result>): Promise<Result> {
    if (aborted !== null) return Promise.reject(aborted)
    return new Promise((resolve, reject) => {
      const entry = { votesNeeded: 1 as const, ...task, hangs: 0, resolve, reject }
      unfinished.add(entry)
      schedule.add(entry, entry.votesNeeded)
    })
  }

  function end(entry: Entry<Result>, settle: () => void): void {
    schedule.withdraw(entry.key, nowMs())
    unfinished.delete(entry)
    settle()
  }

  function deliver(workerId: number, key: string, result: Result): AnswerOutcome {
    const entry = schedule.find(workerId, key)
    const fault = entry?.findFault(result) ?? null
    if (fault !== null) return { taken: false, fault }
    const taken = entry !== null && takeAnswer(entry, workerId, result)
    if (entry === null) schedule.complete(workerId, key, nowMs())
    goOn()
    return { taken, fault: null }
  }

  /** Returns whether the answer has settled the task at once. */
  function takeAnswer(entry: Entry<Result>, workerId: number, result: Result): boolean {
    const { key, votesNeeded } = entry
    const vote = entry.readVote?.(result) ?? voteWithoutData(true)
    if (vote.isSound && votesNeeded === 1 && !voting.isOpen(key)) {
      schedule.complete(workerId, key, nowMs())
      unfinished.delete(entry)
      entry.resolve(result)
      return true
    }
    schedule.answer(workerId, key, nowMs())
    voting.cast(entry, workerId, vote, result)
    return false
  }

  /** Announces decisions first: they may drop workers, which then must get no tasks. */
  function goOn(): void {
    voting.announce()
    dispatch()
  }

  function noteHang(workerId: number, hangingMs: number): void {
    const entry = schedule.running(workerId)
    if (entry === null) return
    entry.hangs += 1
    if (entry.hangs >= mostHangs) end(entry, () => entry.reject(hungRepeatedly(entry, hangingMs)))
  }

  function abort(error: LockstepError): void {
    aborted ??= error
    stop()
    for (const entry of unfinished) entry.reject(error)
    unfinished.clear()
  }

  return {
    submit,
    submitAll,
    deliver,
    abort,
    awaits: (workerId, key) => {
      const task = schedule.find(workerId, key)
      return task !== null && !isForGroup(task)
    },
    withdraw: key => {
      const entry = schedule.withdraw(key, nowMs())
      if (entry !== null) unfinished.delete(entry)
      voting.forget(key)
      dispatch()
    },
    reach: (workerId, step) => {
      schedule.reach(workerId, step)
      watch()
    },
    hangLimitMs: schedule.hangLimitMs,
    dueTask: workerId => {
      const due = schedule.dueTask(workerId)
      return due === null || isForGroup(due.task) ? null : due
    },
    noteHang,
    stop,
    join: workerId => {
      schedule.join(workerId, nowMs())
      voting.join(workerId)
      dispatch()
    },
    leave: workerId => {
      schedule.leave(workerId)
      voting.leave(workerId)
      goOn()
    },
  }
}

function isForGroup({ order }: { readonly order: Order }): boolean {
  return order.type === 'work' && order.group !== undefined
}

const nobody: DecisionListener = {
  onUnsound: () => undefined,
  onRefuted: () => undefined,
  onWrong: () => undefined,
  onAccepted: () => undefined,
  nameOf: workerId => `worker ${workerId}`,
}
