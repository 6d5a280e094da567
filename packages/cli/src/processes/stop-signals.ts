/** The signals that request a process to stop: Ctrl-C, termination from outside, and a terminal that closes. */
export const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Whether `ending` (`exit code 1`, or the name of a signal) means that a process was requested to stop before it
 * listened for these signals.
 */
export function wasAskedToStop(ending: string): boolean {
  return stopSignals.some(signal => signal === ending)
}
