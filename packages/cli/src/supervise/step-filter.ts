import type { CoordinatorEvent } from '@lockstep/coordinator'

/** Ten times a second is as often as anything is drawn. */
const spacingMs = 100

/** Lets all events pass but steps that come too fast to be seen, unless every step is wanted. */
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
