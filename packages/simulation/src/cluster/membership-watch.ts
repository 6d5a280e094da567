import type { CoordinatorEvent } from '@lockstep/coordinator'
import { Violation } from '../violation.ts'

/**
 * Watches how workers end: one that computes correctly must never be refused, and one that computes at all must not
 * count as hung.
 */
export function createMembershipWatch() {
  const suspects = new Set<string>()
  const hanging = new Set<string>()

  function check(worker: string, reason: string): void {
    if (!suspects.has(worker)) throw new Violation(`${worker} was refused: ${reason}`)
  }

  function judgeHang(worker: string, reason: string): void {
    if (!hanging.has(worker)) throw new Violation(`${worker} computes, and counts as ${reason}`)
  }

  return {
    /** This worker does not compute correctly, so it may be dropped. */
    suspect: (worker: string) => void suspects.add(worker),
    /** The computing thread of this worker may hang. */
    expectHang: (worker: string) => void hanging.add(worker),
    hear: (event: CoordinatorEvent) => {
      if (event.type === 'refused' && !isLoss(event.reason)) check(nameIn(event.reason), event.reason)
      if (event.type !== 'worker-lost') return
      if (event.cause === 'refused' || event.cause === 'excluded') check(event.worker.name, event.reason)
      if (event.cause === 'hung') judgeHang(event.worker.name, event.reason)
    },
  }
}

/** A connection that breaks before its worker is active is reported as a refusal. */
function isLoss(reason: string): boolean {
  return reason.includes('ECONNRESET')
}

/** A refusal on arrival names the worker only where it is known. */
function nameIn(reason: string): string {
  return /^worker \d+\.\d+/.exec(reason)?.[0] ?? 'somebody'
}
