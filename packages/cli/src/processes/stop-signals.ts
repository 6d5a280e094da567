/** By which a process is asked to stop: Ctrl-C, an end from outside, and a terminal that goes. */
export const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Whether a process that ended like this (`exit code 1`, or the name of a signal) was asked to stop before it could listen. */
export function wasAskedToStop(ending: string): boolean {
  return stopSignals.some(signal => signal === ending)
}
