import type { Provisioned } from '@lockstep/tensorflow'
import type { TrainingRequest } from '../train/prepare-run.ts'
import type { CoordinatorOrder } from './messages.ts'

/** How far the coordinators of a run have come so far. */
export type RunProgress = {
  /** Of the run, once it is known. */
  readonly folder: string | null
  /** Whether the folder holds a checkpoint from which the run can go on. */
  readonly canResume: boolean
  /** Where workers look for the coordinator; null before there has been one. */
  readonly port: number | null
  /** What computes on this machine, once that is known. */
  readonly provisioned: Provisioned | null
}

/** What the next coordinator is to do: as asked for, but in the same folder, at the same port, and as far as the run has come. */
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
    // It goes on with whoever has come back first.
    minWorkers: isFirst ? launch.minWorkers : (launch.minWorkers ?? 1),
    // The trace is of the run's first steps.
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
