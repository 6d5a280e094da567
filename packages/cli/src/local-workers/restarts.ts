import { type BackOff, restartPauseMs } from '@lockstep/protocol'

export type RestartRule = {
  /** This many deaths within `windowMs` are too many. */
  readonly deaths: number
  readonly windowMs: number
  /** Pauses from the second restart on; the first restart is immediate. */
  readonly backOff: BackOff
}

/** Records a death. Returns the pause before the restart, or null after too many deaths. */
export type Restarts = (nowMs: number) => number | null

export function createRestarts({ deaths, windowMs, backOff }: RestartRule, random: () => number): Restarts {
  let recent: readonly number[] = []

  return nowMs => {
    recent = [...recent.filter(atMs => nowMs - atMs < windowMs), nowMs]
    if (recent.length >= deaths) return null
    return restartPauseMs(recent.length, backOff, random)
  }
}
