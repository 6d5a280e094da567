/** Time that passes from one event to the next. */
export type SimulatedTime = {
  readonly nowMs: () => number
  readonly after: (delayMs: number, action: () => void) => void
  readonly every: (periodMs: number, action: () => void) => void
  /** Lets the next thing happen. */
  readonly next: () => void
  /** Lets things happen until this is true. Throws when it is not by `limitMs`. */
  readonly runUntil: (isReached: () => boolean, limitMs: number) => void
}

export function createSimulatedTime(): SimulatedTime {
  const events: { readonly atMs: number; readonly action: () => void }[] = []
  let nowMs = 0

  function after(delayMs: number, action: () => void): void {
    const atMs = nowMs + delayMs
    let at = events.length
    while (at > 0 && events[at - 1]!.atMs > atMs) at--
    events.splice(at, 0, { atMs, action })
  }

  function every(periodMs: number, action: () => void): void {
    after(periodMs, () => {
      action()
      every(periodMs, action)
    })
  }

  function next(): void {
    const { atMs, action } = events.shift()!
    nowMs = atMs
    action()
  }

  function runUntil(isReached: () => boolean, limitMs: number): void {
    while (!isReached()) {
      if (events[0]!.atMs > limitMs) throw new Error(`not reached within ${limitMs} ms`)
      next()
    }
  }

  return { nowMs: () => nowMs, after, every, next, runUntil }
}
