import type { Cancel } from '@lockstep/protocol'

/** Time that passes from one event to the next. */
export type SimulatedTime = {
  readonly nowMs: () => number
  readonly after: (delayMs: number, action: () => void) => Cancel
  readonly every: (periodMs: number, action: () => void) => void
  /** Lets the next thing happen. */
  readonly next: () => void
  /** Lets everything happen that is due within so long. */
  readonly pass: (durationMs: number) => void
  /** Whether anything is to happen. */
  readonly isPending: () => boolean
  /** Lets things happen until this is true. Throws when it is not by `limitMs`. */
  readonly runUntil: (isReached: () => boolean, limitMs: number) => void
}

type Event = { readonly atMs: number; readonly action: () => void }

export function createSimulatedTime(): SimulatedTime {
  const events: Event[] = []
  let nowMs = 0

  function after(delayMs: number, action: () => void): Cancel {
    const event = { atMs: nowMs + delayMs, action }
    let at = events.length
    while (at > 0 && events[at - 1]!.atMs > event.atMs) at--
    events.splice(at, 0, event)
    return () => {
      const place = events.indexOf(event)
      if (place >= 0) events.splice(place, 1)
    }
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

  function pass(durationMs: number): void {
    const endMs = nowMs + durationMs
    while (events[0] !== undefined && events[0].atMs <= endMs) next()
    nowMs = endMs
  }

  return { nowMs: () => nowMs, after, every, next, pass, isPending: () => events.length > 0, runUntil }
}
