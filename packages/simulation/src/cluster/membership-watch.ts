import type { CoordinatorEvent } from '@lockstep/coordinator'
import { Violation } from '../violation.ts'

/**
 * Watches what becomes of workers: whoever computes rightly is never refused, and whoever computes at all does not count as
 * hung.
 */
export function createMembershipWatch() {
  const suspects = new Set<string>()
  const hanging = new Set<string>()

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
    hear: (event: CoordinatorEvent) => {
      if (event.type === 'refused' && !isLoss(event.reason)) judge(nameIn(event.reason), event.reason)
      if (event.type !== 'worker-lost') return
      if (event.cause === 'refused' || event.cause === 'excluded') judge(event.worker.name, event.reason)
      if (event.cause === 'hung') judgeHang(event.worker.name, event.reason)
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
