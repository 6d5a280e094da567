/**
 * A clock in milliseconds that all threads of a process agree on, which `performance.now` is not: that counts from the
 * start of its thread. The system's monotonic clock is read once; the readings themselves allocate nothing.
 */
export function createMonotonicClock(): () => number {
  const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  return () => performance.now() + originMs
}
