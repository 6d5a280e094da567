import type { CoordinatorEvent } from '@lockstep/coordinator'
import { Violation } from '../violation.ts'

/**
 * Watches who takes part in which life. All of these workers are honest: none is ever refused, and none that has worked for
 * a life of the run works for an earlier one afterwards.
 */
export function createMembershipWatch() {
  /** By worker and run: the latest life for which it has worked. */
  const latest = new Map<string, number>()

  function join(life: number, runId: string, worker: string): void {
    const key = `${runId} ${worker}`
    const known = latest.get(key) ?? 0
    if (life < known) throw new Violation(`${worker} works for life ${life} after it has worked for life ${known}`)
    latest.set(key, life)
  }

  return {
    hear: (life: number, runId: string, event: CoordinatorEvent) => {
      if (event.type === 'worker-joined') join(life, runId, event.worker.name)
      if (event.type === 'refused' && !isLoss(event.reason))
        throw new Violation(`a worker was refused: ${event.reason}`)
      if (event.type === 'worker-lost' && event.reason.startsWith('refused')) {
        throw new Violation(`worker ${event.worker.id} was ${event.reason}`)
      }
    },
  }
}

/** A connection that breaks before its worker takes part is told as a refusal. */
function isLoss(reason: string): boolean {
  return reason.includes('ECONNRESET')
}
