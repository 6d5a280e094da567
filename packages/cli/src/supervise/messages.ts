import { type CoordinatorEvent, type EpochMetrics, isDiskTrouble, type RunSummary } from '@lockstep/coordinator'
import type { Provisioned } from '@lockstep/tensorflow'
import type { RunWorkersSpec } from '../local-workers/start-run-workers.ts'
import type { ErrorRecord } from '../processes/error-record.ts'
import type { TrainingRequest } from '../train/prepare-run.ts'
import type { RunView } from '../train/reporters.ts'

/**
 * A supervised coordinator's instructions, sent over its IPC channel so that the token is in no argument or variable.
 */
export type CoordinatorOrder = TrainingRequest & {
  readonly token: string
  /** False for a coordinator that replaces a crashed one. */
  readonly isFirst: boolean
  /** What the first coordinator reported; null for the first one itself. */
  readonly provisioned: Provisioned | null
}

export type ToCoordinator =
  | { readonly type: 'order'; readonly order: CoordinatorOrder }
  /** Requests to stop after the current step, with a checkpoint. */
  | { readonly type: 'stop' }
  /** At most this many workers will ever join. */
  | { readonly type: 'expect-workers'; readonly workers: number }
  /** Ends the run with this error, after a checkpoint. */
  | { readonly type: 'abort'; readonly error: ErrorRecord }

export type FromCoordinator =
  /** Everything is checked, but nothing of the run has been written yet. */
  | { readonly type: 'prepared'; readonly folder: string; readonly view: RunView; readonly text: string }
  | { readonly type: 'event'; readonly event: CoordinatorEvent }
  | ({ readonly type: 'begun' } & Beginning)
  | { readonly type: 'finished'; readonly summary: RunSummary }
  | { readonly type: 'failed'; readonly error: ErrorRecord }

/** The coordinator has opened its folder and listens. */
export type Beginning = {
  readonly port: number
  readonly step: number
  /** The run's finished epochs. */
  readonly epochs: readonly EpochMetrics[]
  /** About checkpoints that could not be used. */
  readonly notices: readonly string[]
  /** Null without local workers. */
  readonly workers: RunWorkersSpec | null
  /** Null without local workers. */
  readonly provisioned: Provisioned | null
}

/**
 * Whether an error may be temporary: another process may release the port at which workers look for the coordinator,
 * and a full disk may get space.
 */
export function mayPass({ code }: ErrorRecord): boolean {
  return code === 'port-taken' || isDiskTrouble(code)
}
