import type { Cancel, Clock, LockstepError, MessageOf, Tensors } from '@lockstep/protocol'
import { createHearings, type HearingListener } from './audit/hearings.ts'
import { brief, type Opinion } from './audit/opinion.ts'
import { hopeless, mostHangs } from './schedule/hang.ts'
import { createSchedule } from './schedule/schedule.ts'
import type { Assignment, Task } from './schedule/task.ts'
import type { Duty } from './schedule/worker-queue.ts'

/** How often to look for workers that are late. */
const lookEveryMs = 20

/** What tells a worker to do a task. Its tensors come beside it. */
export type Order = Omit<MessageOf<'work'>, 'slot'> | Omit<MessageOf<'evaluate'>, 'slot'>

/** A task as it is sent, and what an answer to it must be. */
export type SendableTask<Result> = Task & {
  readonly order: Order
  /** Asked for whenever the task is sent. */
  readonly tensors: () => Tensors
  /** Hears to whom the task is sent. */
  readonly onSent?: (workerId: number) => void
  /** What is wrong with an answer, or null. */
  readonly findFault: (result: Result) => string | null
  /** How many workers have to agree; by default a single sound answer is believed. */
  readonly voices?: 1 | 2
  /** Takes what an answer brings before the worker is given anything else. By default an answer is believed as it is. */
  readonly hear?: (result: Result) => Opinion
}

/** `taken` is true for an answer that settles its task at once; `fault` says that it is wrong. */
export type Verdict = { readonly taken: boolean; readonly fault: string | null }

/**
 * Turns tasks into results, whoever computes them: a task that is submitted is sent to a worker, sent to another one
 * when that worker is lost, to a second one when it is late, and resolves with the first answer from a worker that holds it.
 * Where that is not sound, or several workers have to agree, others are heard as well.
 */
export type Exchange<Result> = {
  readonly submit: (task: SendableTask<Result>) => Promise<Result>
  /** Submits tasks together, which takes one plan instead of one for each. */
  readonly submitAll: (tasks: readonly SendableTask<Result>[]) => readonly Promise<Result>[]
  readonly join: (workerId: number) => void
  readonly leave: (workerId: number) => void
  /** Takes a worker's answer. After a fault the task stays with the worker until it leaves. */
  readonly deliver: (workerId: number, key: string, result: Result) => Verdict
  /** Whether a task stays unfinished until this worker or another one answers. One of a group does not: its step goes on by itself. */
  readonly awaits: (workerId: number, key: string) => boolean
  /** Forgets a task whose result has come otherwise; its promise stays open. */
  readonly withdraw: (key: string) => void
  /** Hears from a worker which step it has come to. */
  readonly reach: (workerId: number, step: number) => void
  /** How long a worker may be at what it computes now before it counts as hung. */
  readonly hangLimitMs: (workerId: number) => number
  /** What a worker has to answer next by itself, and since when; null while nothing is due, or it is up to a group. */
  readonly duty: (workerId: number) => Duty<Task> | null
  /** Hears that a worker, which is still there, has hung for so long. Where it is one too many at its task, that fails. */
  readonly noteHang: (workerId: number, hangingMs: number) => void
  /** Fails everything that is unfinished, now and later. */
  readonly abort: (error: LockstepError) => void
  /** Looks no more for workers that are late: no clock of the exchange ticks. */
  readonly stop: () => void
}

type Entry<Result> = SendableTask<Result> & {
  readonly voices: 1 | 2
  /** Workers that have hung at it. */
  hangs: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: LockstepError) => void
}

export function createExchange<Result>(
  window: number,
  send: (workerId: number, task: SendableTask<Result>) => void,
  clock: Pick<Clock, 'nowMs' | 'after'>,
  listener: HearingListener = nobody,
): Exchange<Result> {
  const { nowMs } = clock
  const schedule = createSchedule<Entry<Result>>(window)
  const hearings = createHearings<Result, Entry<Result>>({
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

  /** While all workers have something to do there is no look: it would take the time from one of them, where they share cores. */
  function watch(): void {
    if (isStopped) return
    if (schedule.isSettled()) return rest()
    cancelLook ??= clock.after(lookEveryMs, look)
  }

  function look(): void {
    cancelLook = null
    dispatch()
    if (aborted === null) sendAll(schedule.copyLate(nowMs()))
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
      const entry = { voices: 1 as const, ...task, hangs: 0, resolve, reject }
      unfinished.add(entry)
      schedule.add(entry, entry.voices)
    })
  }

  function end(entry: Entry<Result>, settle: () => void): void {
    schedule.withdraw(entry.key, nowMs())
    unfinished.delete(entry)
    settle()
  }

  function deliver(workerId: number, key: string, result: Result): Verdict {
    const entry = schedule.find(workerId, key)
    const fault = entry?.findFault(result) ?? null
    if (fault !== null) return { taken: false, fault }
    const taken = entry !== null && takeAnswer(entry, workerId, result)
    if (entry === null) schedule.complete(workerId, key, nowMs())
    goOn()
    return { taken, fault: null }
  }

  /** Whether the answer has settled the task at once. */
  function takeAnswer(entry: Entry<Result>, workerId: number, result: Result): boolean {
    const { key, voices } = entry
    const opinion = entry.hear?.(result) ?? brief(true)
    if (opinion.isSound && voices === 1 && !hearings.isOpen(key)) {
      schedule.complete(workerId, key, nowMs())
      unfinished.delete(entry)
      entry.resolve(result)
      return true
    }
    schedule.answer(workerId, key, nowMs())
    hearings.hear(entry, workerId, opinion, result)
    return false
  }

  /** What is known now may send workers away, before anybody is given anything. */
  function goOn(): void {
    hearings.announce()
    dispatch()
  }

  function noteHang(workerId: number, hangingMs: number): void {
    const entry = schedule.running(workerId)
    if (entry === null) return
    entry.hangs += 1
    if (entry.hangs >= mostHangs) end(entry, () => entry.reject(hopeless(entry, hangingMs)))
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
      hearings.forget(key)
      dispatch()
    },
    reach: (workerId, step) => {
      schedule.reach(workerId, step)
      watch()
    },
    hangLimitMs: schedule.hangLimitMs,
    duty: workerId => {
      const duty = schedule.duty(workerId)
      return duty === null || isForGroup(duty.task) ? null : duty
    },
    noteHang,
    stop,
    join: workerId => {
      schedule.join(workerId, nowMs())
      hearings.join(workerId)
      dispatch()
    },
    leave: workerId => {
      schedule.leave(workerId)
      hearings.leave(workerId)
      goOn()
    },
  }
}

function isForGroup({ order }: { readonly order: Order }): boolean {
  return order.type === 'work' && order.group !== undefined
}

const nobody: HearingListener = {
  onUnsound: () => undefined,
  onRefuted: () => undefined,
  onWrong: () => undefined,
  onAccepted: () => undefined,
  nameOf: workerId => `worker ${workerId}`,
}
