import type { Phase } from '../events.ts'
import type { Training } from './setup.ts'

/** Waits where too few workers are there to go on; false where there was nothing to wait for. */
export async function awaitQuorum(
  { awaitQuorum, activeWorkers, onEvent, timing }: Training,
  phase: Phase,
): Promise<boolean> {
  let waiting = awaitQuorum()
  if (waiting === null) return false
  onEvent({ type: 'phase', phase: 'waiting for workers', active: activeWorkers() })
  // Who has come may have gone again before this is told.
  for (; waiting !== null; waiting = awaitQuorum()) await waiting
  onEvent({ type: 'phase', phase, active: activeWorkers() })
  timing.begin()
  return true
}
