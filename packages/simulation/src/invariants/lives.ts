import { Violation } from '../violation.ts'

/**
 * Checks the lives of runs that a worker joins, as seen by the worker: a suspended coordinator may hear from a worker
 * that has long joined a later life. Throws where a worker returns to an earlier life.
 */
export function createLivesWatch(worker: string): (runId: string, life: number) => void {
  const latest = new Map<string, number>()
  return (runId, life) => {
    const known = latest.get(runId) ?? 0
    if (life < known) throw new Violation(`${worker} works for life ${life} after it has worked for life ${known}`)
    latest.set(runId, life)
  }
}
