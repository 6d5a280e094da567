import { type CoordinatorEvent, type EpochMetrics, isDiskTrouble, type RunSummary } from '@lockstep/coordinator'
import type { Provisioned } from '@lockstep/tensorflow'
import type { RunWorkersSpec } from '../local-workers/start-run-workers.ts'
import type { ErrorRecord } from '../processes/error-record.ts'
import type { TrainingRequest } from '../train/prepare-run.ts'
import type { RunView } from '../train/reporters.ts'

/** What a supervised coordinator is to do; the token travels neither by argument nor by environment. */
export type CoordinatorOrder = TrainingRequest & {
  readonly token: string
  /** False for one that takes the place of another. */
  readonly isFirst: boolean
  /** As the first one has told it; null for the first one itself. */
  readonly provisioned: Provisioned | null
}

export type ToCoordinator =
  | { readonly type: 'order'; readonly order: CoordinatorOrder }
  /** Asks to stop after the step that is under way, with a checkpoint. */
  | { readonly type: 'stop' }
  /** No more than so many workers will ever come. */
  | { readonly type: 'expect-workers'; readonly workers: number }
  /** Ends the run with this error, after a checkpoint. */
  | { readonly type: 'abort'; readonly error: ErrorRecord }

export type FromCoordinator =
  /** All is checked; nothing of the run has been written yet. */
  | { readonly type: 'prepared'; readonly folder: string; readonly view: RunView; readonly text: string }
  | { readonly type: 'event'; readonly event: CoordinatorEvent }
  | ({ readonly type: 'begun' } & Beginning)
  | { readonly type: 'finished'; readonly summary: RunSummary }
  | { readonly type: 'failed'; readonly error: ErrorRecord }

/** The coordinator listens, in its folder. */
export type Beginning = {
  readonly port: number
  readonly step: number
  /** The epochs that the run has behind it. */
  readonly epochs: readonly EpochMetrics[]
  /** About checkpoints that could not be used. */
  readonly notices: readonly string[]
  /** Null where there are no local workers. */
  readonly workers: RunWorkersSpec | null
  /** Null where there are no local workers. */
  readonly provisioned: Provisioned | null
}

/**
 * Whether the cause of an error may pass: whoever holds the port at which workers look for the coordinator may not hold it for
 * long, and a disk may get room again.
 */
export function mayPass({ code }: ErrorRecord): boolean {
  return code === 'port-taken' || isDiskTrouble(code)
}
