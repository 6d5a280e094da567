import { silenceMs } from '../membership/timeouts.ts'

/**
 * For how long each worker has owed the coordinator a reply, counting only time in which the worker was heard from.
 */
export type ReplyTimers = {
  /** The worker has sent a part of its reply, or a message that comes before it. */
  readonly restart: (workerId: number) => void
  readonly hearHeartbeat: (workerId: number) => void
  /**
   * Which of the awaited workers have owed a reply for longer than the limit. Called regularly with all workers that
   * owe one now.
   */
  readonly overdue: (awaited: Iterable<number>, limitMs: number) => readonly number[]
}

type ReplyTimer = { heardAtMs: number; waitedMs: number }

/**
 * Counts time between heartbeats. Heartbeats wait behind a long message on a slow link, so nothing counts while that
 * message is under way. Between two heartbeats at most `silenceMs` counts: a process that was suspended, this one or
 * the worker's, is not late.
 */
export function createReplyTimers(nowMs: () => number): ReplyTimers {
  const timers = new Map<number, ReplyTimer>()

  function restart(workerId: number): void {
    if (timers.has(workerId)) timers.set(workerId, { heardAtMs: nowMs(), waitedMs: 0 })
  }

  function hearHeartbeat(workerId: number): void {
    const timer = timers.get(workerId)
    if (timer === undefined) return
    timer.waitedMs += Math.min(nowMs() - timer.heardAtMs, silenceMs)
    timer.heardAtMs = nowMs()
  }

  function overdue(awaited: Iterable<number>, limitMs: number): readonly number[] {
    const current = new Set(awaited)
    for (const workerId of timers.keys()) if (!current.has(workerId)) timers.delete(workerId)
    for (const workerId of current) {
      if (!timers.has(workerId)) timers.set(workerId, { heardAtMs: nowMs(), waitedMs: 0 })
    }
    return [...timers].filter(([, { waitedMs }]) => waitedMs > limitMs).map(([workerId]) => workerId)
  }

  return { restart, hearHeartbeat, overdue }
}
