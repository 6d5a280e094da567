import { type Clock, systemClock } from '@lockstep/protocol'
import { listen } from './server.ts'

/** What a coordinator needs of its machine, apart from the disk under its run folder. */
export type CoordinatorWorld = {
  readonly clock: Clock
  readonly listen: typeof listen
}

export const systemWorld: CoordinatorWorld = { clock: systemClock, listen }
