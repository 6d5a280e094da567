import type { Clock } from '@lockstep/protocol'

/** A clock on which no time passes: scheduled actions never run. */
export const stoppedClock: Pick<Clock, 'nowMs' | 'after'> = { nowMs: () => 0, after: () => () => undefined }
