/**
 * A monotonic clock in milliseconds that all threads of a machine agree on. `performance.now` alone differs, as it
 * counts from the start of its thread. Its offset to the system's monotonic clock is measured once, so readings
 * allocate nothing. A thread that loses its core between the two readings measures too little, so the largest of
 * several offsets counts.
 */
export function createMonotonicClock(): () => number {
  const tries = 16
  let originMs = Number.NEGATIVE_INFINITY
  for (let reading = 0; reading < tries; reading++) {
    originMs = Math.max(originMs, Number(process.hrtime.bigint()) / 1e6 - performance.now())
  }
  return () => performance.now() + originMs
}
