import type { CoordinatorEvent } from '@lockstep/coordinator'

/** Shows or records a run. */
export type Reporter = {
  readonly event: (event: CoordinatorEvent) => void
  /** A line for people: what goes on beside the training. */
  readonly note: (text: string) => void
  /** Resolves when all that has been told is written. */
  readonly stop: () => Promise<void>
}
