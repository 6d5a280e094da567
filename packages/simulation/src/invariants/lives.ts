import { Violation } from '../violation.ts'

/**
 * Takes note of the lives of runs to which a worker agrees to belong. It goes by the worker: a coordinator that was suspended
 * may hear of one that has long gone over to a later life. Throws where a worker goes back to an earlier one.
 */
export function createLivesWatch(worker: string): (runId: string, life: number) => void {
  const latest = new Map<string, number>()
  return (runId, life) => {
    const known = latest.get(runId) ?? 0
    if (life < known) throw new Violation(`${worker} works for life ${life} after it has worked for life ${known}`)
    latest.set(runId, life)
  }
}
