import type { Phase } from '../events.ts'
import type { Training } from './setup.ts'

/** Waits where too few workers are active to continue; false where there was nothing to wait for. */
export async function awaitQuorum(
  { awaitQuorum, activeWorkers, onEvent, timing }: Training,
  phase: Phase,
): Promise<boolean> {
  let waiting = awaitQuorum()
  if (waiting === null) return false
  onEvent({ type: 'phase', phase: 'waiting for workers', active: activeWorkers() })
  // A worker that joined may have left again before this wait resumes.
  for (; waiting !== null; waiting = awaitQuorum()) await waiting
  onEvent({ type: 'phase', phase, active: activeWorkers() })
  timing.begin()
  return true
}
