import type { RunWorkersSpec } from '../local-workers/start-run-workers.ts'
import { localUrl } from './listen-address.ts'
import type { PreparedRun } from './prepare-run.ts'
import type { RunView } from './reporters.ts'

/** The facts about a prepared run that are needed to show it. */
export function viewOf({ plan, launch, minWorkers, quorum }: PreparedRun): RunView {
  const { config, train } = plan
  return { config, trainSamples: train.count, workersWanted: minWorkers, quorum, logSteps: launch.logSteps }
}

/** The local workers that a prepared run needs; `url` is the coordinator's address. */
export function workersSpecOf({ plan, launch, workerSetup, address, tls }: PreparedRun, url: string): RunWorkersSpec {
  return {
    count: workerSetup.workers,
    threads: plan.config.threads,
    url: localUrl(url, address.host),
    certificate: tls?.cert ?? null,
    minWorkers: launch.minWorkers,
    othersMayCome: launch.tokenFile !== null,
  }
}
