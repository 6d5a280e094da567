import type { Phase } from '../events.ts'
import type { Training } from './setup.ts'

/** Waits where too few workers are there to go on. */
export async function awaitQuorum(
  { awaitQuorum, activeWorkers, onEvent, timing }: Training,
  phase: Phase,
): Promise<void> {
  let waiting = awaitQuorum()
  if (waiting === null) return
  onEvent({ type: 'phase', phase: 'waiting for workers', active: activeWorkers() })
  // Who has come may have gone again before this is told.
  for (; waiting !== null; waiting = awaitQuorum()) await waiting
  onEvent({ type: 'phase', phase, active: activeWorkers() })
  timing.begin()
}
