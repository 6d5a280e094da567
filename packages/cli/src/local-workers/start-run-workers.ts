import type { Coordinator } from '@lockstep/coordinator'
import { LockstepError, systemClock } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { forkWorker } from './fork-worker.ts'
import { type LocalWorkers, startLocalWorkers, type WorkerDeath, workerRestartRule } from './local-workers.ts'

/** The local workers that a run needs. */
export type RunWorkersSpec = {
  readonly count: number
  readonly threads: number
  /** The coordinator's address. */
  readonly url: string
  /** The coordinator's own certificate; null without TLS. */
  readonly certificate: string | null
  /** The least number of workers that the user wants; null for as many as are left. */
  readonly minWorkers: number | null
  /** Whether workers on other machines may join. */
  readonly othersMayCome: boolean
}

export type RunWorkersOptions = RunWorkersSpec & {
  readonly token: string
  readonly provisioned: Provisioned
  readonly coordinator: Pick<Coordinator, 'abort' | 'expectWorkers'>
  /** After it is aborted, no worker is restarted. */
  readonly stop: AbortSignal
  /** Shows a line to people. */
  readonly note: (text: string) => void
}

/**
 * Starts the local workers of a run and reports those that die. Aborts the run if too few are left and no others may
 * join, or if none of them can compute its model.
 */
export function startRunWorkers(options: RunWorkersOptions): LocalWorkers {
  const { count, threads, url, certificate, token, provisioned, coordinator, stop, note } = options
  let lastError = ''

  function start(name: string) {
    return forkWorker({ url, certificate, token, provisioned, name }, threads, {
      onOutput: line => {
        if (/error|lockstep:/i.test(line)) lastError = line.trim()
        note(`${name}: ${line}`)
      },
      onFailure: coordinator.abort,
    })
  }

  function onDeath(death: WorkerDeath): void {
    note(describeDeath(death))
    if (death.restartInMs === null) continueWithout(death, options, lastError)
  }

  return startLocalWorkers({ count, start, stop, clock: systemClock, random: Math.random, onDeath })
}

/** Continues with the remaining workers, or aborts the run if they are too few and no others may join. */
function continueWithout(
  { name, ending, left }: WorkerDeath,
  { minWorkers, othersMayCome, coordinator }: RunWorkersOptions,
  lastError: string,
): void {
  if (othersMayCome || left >= (minWorkers ?? 1)) {
    if (minWorkers === null) coordinator.expectWorkers(left)
    return
  }
  const message =
    left === 0 ? 'all worker processes have ended' : `only ${left} of at least ${minWorkers} workers are left`
  const received = lastError || `${name} ended with ${ending}`
  coordinator.abort(new LockstepError('workers-ended', message, { received, hint: 'Continue with --resume.' }))
}

/** The message about a worker process that has died. */
export function describeDeath({ name, ending, restartInMs, left }: WorkerDeath): string {
  if (restartInMs === null) {
    const { deaths, windowMs } = workerRestartRule
    return `${name} ended with ${ending}, for the ${deaths}th time within ${windowMs / 1000} s: it is not restarted again; ${left} left`
  }
  const when = restartInMs === 0 ? '' : ` in ${(restartInMs / 1000).toFixed(1)} s`
  return `${name} ended with ${ending}: restarting it${when}`
}
