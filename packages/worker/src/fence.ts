import type { MessageOf } from '@lockstep/protocol'

/** Takes note of a welcome, or says why this worker does not work for who has sent it. */
export type Fence = (welcome: Pick<MessageOf<'welcome'>, 'runId' | 'life'>) => string | null

/**
 * Keeps a worker from going back to a coordinator whose run has gone on without it: one that was cut off, or that somebody
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
