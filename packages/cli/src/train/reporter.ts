import type { CoordinatorEvent } from '@lockstep/coordinator'

/** Shows or records a run. */
export type Reporter = {
  readonly event: (event: CoordinatorEvent) => void
  /** A line for people about something other than training itself. */
  readonly note: (text: string) => void
  /** Resolves when everything reported has been written. */
  readonly stop: () => Promise<void>
}
