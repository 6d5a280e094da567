export type BackOff = { readonly firstMs: number; readonly longestMs: number }

/**
 * The pause before an attempt, counted from 0. It doubles each time, and varies by up to a quarter so that many clients
 * do not return at once.
 *
 * @param random - at least 0 and less than 1
 */
export function backOffMs(attempt: number, { firstMs, longestMs }: BackOff, random: () => number): number {
  return Math.min(longestMs, firstMs * 2 ** attempt) * (0.75 + 0.5 * random())
}

/** The pause before restarting something that has ended `times` times: none after the first, then `backOffMs`. */
export function restartPauseMs(times: number, backOff: BackOff, random: () => number): number {
  return times === 1 ? 0 : backOffMs(times - 2, backOff, random)
}
