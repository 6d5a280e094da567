import type { CoordinatorEvent, EventListener } from './events.ts'

/** As many refusals are told one by one in each window. */
const toldInWindow = 20
const windowMs = 60_000

/**
 * Passes events on, but of refusals only so many a minute, and how many more there were: whoever knocks at the port without
 * end fills neither screen nor disk.
 */
export function limitRefusals(onEvent: EventListener, nowMs: () => number): EventListener {
  let sinceMs = Number.NEGATIVE_INFINITY
  let refusals = 0

  function take(refusal: Extract<CoordinatorEvent, { type: 'refused' }>): void {
    if (nowMs() - sinceMs >= windowMs) beginWindow()
    refusals += 1
    if (refusals <= toldInWindow) onEvent(refusal)
  }

  function beginWindow(): void {
    const untold = refusals - toldInWindow
    if (untold > 0) onEvent({ type: 'refused', address: 'others', reason: `${untold} more in the minute before` })
    sinceMs = nowMs()
    refusals = 0
  }

  return event => (event.type === 'refused' ? take(event) : onEvent(event))
}
