import { type BackOff, restartPauseMs } from '@lockstep/protocol'

export type RestartRule = {
  /** So many deaths within `windowMs` are too many. */
  readonly deaths: number
  readonly windowMs: number
  /** Pauses from the second restart on; the first one comes at once. */
  readonly backOff: BackOff
}

/** Takes note of a death. Returns how long to wait before the restart, or null where there have been too many. */
export type Restarts = (nowMs: number) => number | null

export function createRestarts({ deaths, windowMs, backOff }: RestartRule, random: () => number): Restarts {
  let recent: readonly number[] = []

  return nowMs => {
    recent = [...recent.filter(atMs => nowMs - atMs < windowMs), nowMs]
    if (recent.length >= deaths) return null
    return restartPauseMs(recent.length, backOff, random)
  }
}
