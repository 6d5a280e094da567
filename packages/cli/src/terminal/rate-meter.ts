export type RateMeter = {
  /** Records the total amount done at a time. A smaller total restarts the measurement. */
  readonly add: (atMs: number, done: number) => void
  /** The amount per second within the window; undefined before the second sample. */
  readonly perSecond: () => number | undefined
}

type Sample = { readonly atMs: number; readonly done: number }

/** Samples closer together than this replace each other, so that a window has few samples. */
const sampleSpacingMs = 250

/** Measures speed over the last `windowMs` milliseconds. The amount done before the first sample does not count. */
export function createRateMeter(windowMs = 10_000): RateMeter {
  let samples: Sample[] = []
  let latest: Sample | undefined

  function add(atMs: number, done: number) {
    if (latest !== undefined && done < latest.done) samples = []
    latest = { atMs, done }
    const spaced = samples.at(-1)
    if (spaced === undefined || atMs - spaced.atMs >= sampleSpacingMs) samples.push(latest)
    while (samples.length > 2 && atMs - (samples[1]?.atMs ?? atMs) >= windowMs) samples.shift()
  }

  function perSecond() {
    const first = samples[0]
    if (first === undefined || latest === undefined || latest.atMs <= first.atMs) return undefined
    return ((latest.done - first.done) * 1000) / (latest.atMs - first.atMs)
  }

  return { add, perSecond }
}
