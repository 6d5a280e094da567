import { silenceMs } from '../membership/timeouts.ts'

/**
 * For how long each worker has owed the coordinator an answer, counting only time in which the worker was heard from.
 */
export type Debts = {
  /** The worker has sent a part of its answer, or a message that comes before it. */
  readonly pay: (workerId: number) => void
  readonly hearHeartbeat: (workerId: number) => void
  /**
   * Which of the debtors have owed an answer for longer than the limit. Called regularly with all workers that owe one
   * now.
   */
  readonly overdue: (debtors: Iterable<number>, limitMs: number) => readonly number[]
}

type Debt = { heardAtMs: number; owedMs: number }

/**
 * Counts time between heartbeats. Heartbeats wait behind a long message on a slow link, so nothing counts while that
 * message is under way. Between two heartbeats at most `silenceMs` counts: a process that was suspended, this one or
 * the worker's, is not late.
 */
export function createDebts(nowMs: () => number): Debts {
  const debts = new Map<number, Debt>()

  function pay(workerId: number): void {
    if (debts.has(workerId)) debts.set(workerId, { heardAtMs: nowMs(), owedMs: 0 })
  }

  function hearHeartbeat(workerId: number): void {
    const debt = debts.get(workerId)
    if (debt === undefined) return
    debt.owedMs += Math.min(nowMs() - debt.heardAtMs, silenceMs)
    debt.heardAtMs = nowMs()
  }

  function overdue(debtors: Iterable<number>, limitMs: number): readonly number[] {
    const owing = new Set(debtors)
    for (const workerId of debts.keys()) if (!owing.has(workerId)) debts.delete(workerId)
    for (const workerId of owing) {
      if (!debts.has(workerId)) debts.set(workerId, { heardAtMs: nowMs(), owedMs: 0 })
    }
    return [...debts].filter(([, { owedMs }]) => owedMs > limitMs).map(([workerId]) => workerId)
  }

  return { pay, hearHeartbeat, overdue }
}
