/**
 * A clock in milliseconds that all threads of a machine agree on, which `performance.now` is not: that counts from the
 * start of its thread. How far it is behind the system's monotonic clock is found once; the readings themselves allocate
 * nothing. A thread that loses its core between reading the one and the other finds too little, so the most of several
 * counts.
 */
export function createMonotonicClock(): () => number {
  const tries = 16
  let originMs = Number.NEGATIVE_INFINITY
  for (let reading = 0; reading < tries; reading++) {
    originMs = Math.max(originMs, Number(process.hrtime.bigint()) / 1e6 - performance.now())
  }
  return () => performance.now() + originMs
}
