import type { CoordinatorEvent, EventListener } from './events.ts'

/** How many refusals are reported individually in each window. */
const toldInWindow = 20
const windowMs = 60_000

/**
 * Passes events on, but at most `toldInWindow` refusals a minute, and then how many more there were: a peer that
 * connects without end must not fill the screen or the disk.
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
