/** The time per sample of a worker: a running mean, and its mean deviation. */
export type Pace = {
  readonly stretches: number
  readonly meanMs: number
  readonly deviationMs: number
  readonly learntAtMs: number
}

/**
 * Answers that a worker gave without a pause. A single one says little, since answers that were delayed together arrive
 * together.
 */
export type Stretch = { readonly answers: number; readonly samples: number; readonly tookMs: number }

/** Weight of an answer, as in TCP's estimate of round-trip times (RFC 6298). */
const gain = 1 / 8

/** Weight of a stretch that is faster than a mean last updated longer ago than `staleMs`. */
const staleMs = 500
const staleGain = 1 / 2

/** A stretch counts as at most this multiple of the mean, so that a stall does not pass for a slow pace. */
const outlier = 3

/** Stretches before a pace counts as known. The first one compiles the graph and is left out. */
const leastStretches = 3

/** The pace after one more stretch. */
export function learnPace(pace: Pace | null, { answers, samples, tookMs }: Stretch, nowMs: number): Pace {
  const stretches = (pace?.stretches ?? 0) + 1
  const msPerSample = tookMs / samples
  if (pace === null || stretches === 2) {
    return { stretches, meanMs: msPerSample, deviationMs: msPerSample / 2, learntAtMs: nowMs }
  }
  const error = Math.min(msPerSample, outlier * pace.meanMs) - pace.meanMs
  const isNews = error < 0 && nowMs - pace.learntAtMs > staleMs
  const weight = Math.max(isNews ? staleGain : 1 - (1 - gain) ** answers, 1 / (stretches - 1))
  return {
    stretches,
    meanMs: pace.meanMs + weight * error,
    deviationMs: pace.deviationMs + weight * (Math.abs(error) - pace.deviationMs),
    learntAtMs: nowMs,
  }
}

export function isKnown(pace: Pace | null): pace is Pace {
  return pace !== null && pace.stretches >= leastStretches
}
