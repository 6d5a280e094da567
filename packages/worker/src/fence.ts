import type { MessageOf } from '@lockstep/protocol'

/** Records a welcome, or says why this worker refuses its coordinator. */
export type Fence = (welcome: Pick<MessageOf<'welcome'>, 'runId' | 'life'>) => string | null

/**
 * Keeps a worker from returning to a coordinator whose run another one has continued: one that was cut off, or one
 * started beside another.
 */
export function createFence(): Fence {
  const latest = new Map<string, number>()

  return ({ runId, life }) => {
    const known = latest.get(runId) ?? 0
    if (life < known) return `this worker has been welcomed to life ${known} of the run, and this is life ${life}`
    latest.set(runId, life)
    return null
  }
}
