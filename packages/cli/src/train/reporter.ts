import type { CoordinatorEvent } from '@lockstep/coordinator'

/** Shows or records a run. */
export type Reporter = {
  readonly event: (event: CoordinatorEvent) => void
  /** A line for people: what goes on beside the training. */
  readonly note: (text: string) => void
  readonly stop: () => void
}

/** Tells several reporters the same. */
export function combineReporters(reporters: readonly Reporter[]): Reporter {
  return {
    event: event => {
      for (const reporter of reporters) reporter.event(event)
    },
    note: text => {
      for (const reporter of reporters) reporter.note(text)
    },
    stop: () => {
      for (const reporter of reporters) reporter.stop()
    },
  }
}
