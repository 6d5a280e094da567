import type { CoordinatorEvent } from '@lockstep/coordinator'
import { Violation } from '../violation.ts'

/**
 * Watches who takes part in which life. Whoever computes rightly is never refused, whoever computes at all does not count as
 * hung, and none that has worked for a life of the run works for an earlier one afterwards.
 */
export function createMembershipWatch() {
  /** By worker and run: the latest life for which it has worked. */
  const latest = new Map<string, number>()
  const suspects = new Set<string>()
  const hanging = new Set<string>()

  function join(life: number, runId: string, worker: string): void {
    const key = `${runId} ${worker}`
    const known = latest.get(key) ?? 0
    if (life < known) throw new Violation(`${worker} works for life ${life} after it has worked for life ${known}`)
    latest.set(key, life)
  }

  function judge(worker: string, reason: string): void {
    if (!suspects.has(worker)) throw new Violation(`${worker} was refused: ${reason}`)
  }

  function judgeHang(worker: string, reason: string): void {
    if (!hanging.has(worker)) throw new Violation(`${worker} computes, and counts as ${reason}`)
  }

  return {
    /** This worker does not compute rightly: it may be sent away. */
    suspect: (worker: string) => void suspects.add(worker),
    /** The computing thread of this worker may come to hang. */
    expectHang: (worker: string) => void hanging.add(worker),
    hear: (life: number, runId: string, event: CoordinatorEvent) => {
      if (event.type === 'worker-joined') join(life, runId, event.worker.name)
      if (event.type === 'refused' && !isLoss(event.reason)) judge(nameIn(event.reason), event.reason)
      if (event.type === 'worker-lost' && event.reason.startsWith('refused')) judge(event.worker.name, event.reason)
      if (event.type === 'worker-lost' && event.reason.startsWith('hung')) judgeHang(event.worker.name, event.reason)
    },
  }
}

/** A connection that breaks before its worker takes part is told as a refusal. */
function isLoss(reason: string): boolean {
  return reason.includes('ECONNRESET')
}

/** A refusal at the door names the worker only where it is known. */
function nameIn(reason: string): string {
  return /^worker \d+\.\d+/.exec(reason)?.[0] ?? 'somebody'
}
