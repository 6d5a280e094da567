/** How long a worker takes for a sample: a running mean, and how far off that has been in the mean. */
export type Pace = { readonly answers: number; readonly meanMs: number; readonly deviationMs: number }

/** Weight of the latest answer: after a change of speed, four answers come two thirds of the way. */
const gain = 1 / 4

/** One answer raises the mean at most as if it had taken so many times as long: a stall is not a speed. */
const outlier = 3

/** Answers before a pace counts as known: the first ones compile graphs and fill caches. */
const warmUpAnswers = 3

/**
 * The pace after one more answer, much as TCP estimates round trips (RFC 6298). A worker can be held up by many things,
 * but nothing hurries it: while it warms up its quickest answer counts, and later one in less than half the time at once.
 */
export function learnPace(pace: Pace | null, msPerSample: number): Pace {
  const answers = (pace?.answers ?? 0) + 1
  if (pace === null || msPerSample < pace.meanMs / 2) return firstPace(answers, msPerSample)
  if (answers <= warmUpAnswers) return firstPace(answers, Math.min(pace.meanMs, msPerSample))
  const error = Math.min(msPerSample, outlier * pace.meanMs) - pace.meanMs
  return {
    answers,
    meanMs: pace.meanMs + gain * error,
    deviationMs: pace.deviationMs + gain * (Math.abs(error) - pace.deviationMs),
  }
}

export function isKnown(pace: Pace | undefined): pace is Pace {
  return pace !== undefined && pace.answers >= warmUpAnswers
}

function firstPace(answers: number, meanMs: number): Pace {
  return { answers, meanMs, deviationMs: meanMs / 2 }
}
