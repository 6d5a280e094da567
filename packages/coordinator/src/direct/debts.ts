import { silenceMs } from '../membership/patience.ts'

/** For how long workers have not answered what the coordinator waits for, as far as they were heard of meanwhile. */
export type Debts = {
  /** A part of an answer, or what comes before one, has come from a worker. */
  readonly pay: (workerId: number) => void
  readonly hearHeartbeat: (workerId: number) => void
  /** Which of those that owe an answer now have owed it for longer than this. Called regularly. */
  readonly overdue: (debtors: Iterable<number>, limitMs: number) => readonly number[]
}

type Debt = { heardAtMs: number; owedMs: number }

/**
 * Counts by heartbeats, which wait behind a long message on a slow link: as long as one is on its way nothing counts. Between two
 * of them no more does than a worker may be silent: a process that was suspended, this one or the worker's, is not late.
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
