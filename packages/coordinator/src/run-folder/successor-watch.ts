import { type Cancel, type Clock, LockstepError } from '@lockstep/protocol'
import type { RunFolder } from './run-folder.ts'

/** How often to look. A coordinator that trains also looks before every write. */
const lookEveryMs = 5_000

/**
 * Notices that another coordinator continues the run, even while this one only waits for workers, which would otherwise
 * wait with it. Returns a function that stops the watch.
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
      // Any other fault of the folder makes the next write fail.
    }
  }

  return clock.every(lookEveryMs, () => void look())
}
