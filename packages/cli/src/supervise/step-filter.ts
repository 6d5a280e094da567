import type { CoordinatorEvent } from '@lockstep/coordinator'

/** The terminal is redrawn at most ten times a second. */
const spacingMs = 100

/**
 * Creates a filter that drops steps that are too fast to be seen, unless `wantsEveryStep`; it passes all other events.
 */
export function createStepFilter(
  wantsEveryStep: boolean,
  nowMs: () => number = () => performance.now(),
): (event: CoordinatorEvent) => boolean {
  let passedAtMs = Number.NEGATIVE_INFINITY
  return ({ type }) => {
    if (type !== 'step' || wantsEveryStep) return true
    const now = nowMs()
    if (now - passedAtMs < spacingMs) return false
    passedAtMs = now
    return true
  }
}
