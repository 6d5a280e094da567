export type BackOff = { readonly firstMs: number; readonly longestMs: number }

/**
 * The pause before an attempt, from 0: each twice as long as the one before, up to a quarter shorter or longer so that
 * many who wait for the same do not come back at once.
 *
 * @param random - at least 0 and less than 1
 */
export function backOffMs(attempt: number, { firstMs, longestMs }: BackOff, random: () => number): number {
  return Math.min(longestMs, firstMs * 2 ** attempt) * (0.75 + 0.5 * random())
}

/** The pause before something is started again that has ended so many times, from 1: none at first, then `backOffMs`. */
export function restartPauseMs(times: number, backOff: BackOff, random: () => number): number {
  return times === 1 ? 0 : backOffMs(times - 2, backOff, random)
}
