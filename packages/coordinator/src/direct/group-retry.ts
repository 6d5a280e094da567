import type { Groups } from './groups.ts'

/** Workers themselves try this long to reach each other. */
const linkMs = 60_000

/** A failed group is tried again after this pause, which doubles each time. */
const firstRetryMs = 60_000
const longestRetryMs = 3_600_000

/** Ends a group that is not linked in time, and lets a failed group be tried again later. */
export function createGroupRetry(
  groups: Pick<Groups, 'linking' | 'breakUp' | 'hasFailed' | 'allowRetry'>,
  answerMs: number,
  nowMs: () => number,
) {
  let linking: { readonly group: number; readonly sinceMs: number } | null = null
  let brokenAt: number | null = null
  let retryMs = firstRetryMs

  /** The cause may be temporary, such as the loss of one connection. */
  function retryInTime(): void {
    if (!groups.hasFailed()) brokenAt = null
    else brokenAt ??= nowMs()
    if (brokenAt === null || nowMs() - brokenAt < retryMs) return
    retryMs = Math.min(2 * retryMs, longestRetryMs)
    brokenAt = null
    groups.allowRetry()
  }

  /**
   * Workers report themselves that they cannot be linked, except one that does not hear of the group or does not
   * answer.
   */
  function giveUpLinking(): void {
    const group = groups.linking()
    if (group === null) linking = null
    else if (group !== linking?.group) linking = { group, sinceMs: nowMs() }
    const limitMs = linkMs + answerMs
    if (linking === null || nowMs() - linking.sinceMs <= limitMs) return
    groups.breakUp('unlinked', `not all of its workers have been linked within ${(limitMs / 1000).toFixed(0)} s`)
  }

  return {
    /** Called regularly. */
    look: () => {
      retryInTime()
      giveUpLinking()
    },
  }
}
