export type RateMeter = {
  /** Tells how much was done in all at a time. Going back starts the measurement anew. */
  readonly add: (atMs: number, done: number) => void
  /** What was done each second within the window; undefined before there are two samples. */
  readonly perSecond: () => number | undefined
}

type Sample = { readonly atMs: number; readonly done: number }

/** Samples closer together than this replace one another, so that a window holds few of them. */
const sampleSpacingMs = 250

/** Measures speed over the last `windowMs` milliseconds. What was done before the first sample does not count. */
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
