import { type Cancel, type Clock, LockstepError } from '@lockstep/protocol'
import type { RunFolder } from './run-folder.ts'

/** How often to look. A coordinator that trains looks before everything that it writes as well. */
const lookEveryMs = 5_000

/**
 * Notices that another coordinator has gone on with the run, also while this one only waits for workers: those that it has
 * would wait with it. Returns what ends the watching.
 */
export function watchForSuccessor(
  clock: Clock,
  folder: RunFolder,
  onSuperseded: (error: LockstepError) => void,
): Cancel {
  async function look(): Promise<void> {
    try {
      await folder.refuseSuperseded()
    } catch (error) {
      if (error instanceof LockstepError && error.code === 'superseded') onSuperseded(error)
      // Whatever else is wrong with the folder, the next write fails with it.
    }
  }

  return clock.every(lookEveryMs, () => void look())
}
