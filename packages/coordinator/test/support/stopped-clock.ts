import type { Clock } from '@lockstep/protocol'

/** No time passes: nothing that is to happen later ever does. */
export const stoppedClock: Pick<Clock, 'nowMs' | 'after'> = { nowMs: () => 0, after: () => () => undefined }
