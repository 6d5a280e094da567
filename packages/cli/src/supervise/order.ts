import type { Provisioned } from '@lockstep/tensorflow'
import type { TrainingRequest } from '../train/prepare-run.ts'
import type { CoordinatorOrder } from './messages.ts'

/** What the previous coordinators of a run have reached. */
export type RunProgress = {
  /** The run's folder, once it is known. */
  readonly folder: string | null
  /** Whether the folder has a checkpoint from which the run can continue. */
  readonly canResume: boolean
  /** The port at which workers look for the coordinator; null before the first one has listened. */
  readonly port: number | null
  /** The backend on this machine, once it is known. */
  readonly provisioned: Provisioned | null
}

/** The next coordinator's order: as requested, but in the same folder, at the same port and from the reached step. */
export function orderNext(
  { settings, resume, hasLocalWorkers, token }: TrainingRequest & { readonly token: string },
  { folder, canResume, port, provisioned }: RunProgress,
): CoordinatorOrder {
  const { launch } = settings
  const isFirst = port === null
  const host = launch.listen.slice(0, launch.listen.lastIndexOf(':'))
  const again = {
    runDir: canResume ? null : (folder ?? launch.runDir),
    listen: isFirst ? launch.listen : `${host}:${port}`,
    // It continues as soon as the first worker is back.
    minWorkers: isFirst ? launch.minWorkers : (launch.minWorkers ?? 1),
    // Only the first coordinator traces, because a trace is of the run's first steps.
    trace: isFirst ? launch.trace : null,
  }
  return {
    settings: { ...settings, launch: { ...launch, ...again } },
    resume: canResume ? folder : resume,
    hasLocalWorkers,
    token,
    isFirst,
    provisioned,
  }
}
