import {
  type CoordinatorPhase,
  coordinatorPhases,
  createTimeline,
  type Timeline,
  type Times,
  type WorkerPhase,
  workerPhases,
} from '@lockstep/protocol'
import type { PhaseReport, StepMetrics } from '../metrics.ts'
import type { ClockOffset } from './clock-offset.ts'
import { createPhaseSums, type PhaseSums, toMicroseconds } from './phase-sums.ts'
import type { Trace } from './trace.ts'

/** The most pieces that the coordinator records per step: two for each gradient of a hundred workers, and some more. */
const coordinatorPieces = 256

/** The results of a step, without its times. */
export type FinishedStep = {
  readonly epoch: number
  /** Finished optimizer steps, this one included. */
  readonly step: number
  /** Sums over the samples of the global batch. */
  readonly lossSum: number
  readonly correct: number
  readonly count: number
}

/** The times that a worker reports with the gradient of a shard. */
export type WorkerTimes = { readonly step: number; readonly shard: number; readonly times: Times }

/**
 * Where the time of a run's steps goes: the coordinator's as it passes, the workers' as they report it with gradients.
 */
export type StepTiming = {
  readonly enter: Timeline<CoordinatorPhase>['enter']
  /** Starts the first of several consecutive steps. Time before it belongs to no step. */
  readonly begin: () => void
  /** Adds the times of a worker since its last answer. */
  readonly hear: (workerId: number, message: WorkerTimes, clock: ClockOffset) => void
  /** A worker has left: it takes no part in the steps from here on. */
  readonly leave: (workerId: number) => void
  /** Ends a step and starts the next. Returns its times, where they are logged. */
  readonly end: (finished: FinishedStep) => StepMetrics | null
  /** Means over the steps after the warm-up; null before there is one. */
  readonly report: () => PhaseReport | null
}

/** Runs an action that counts as this phase, then returns to the previous phase. */
export function within<T>(timing: Pick<StepTiming, 'enter'>, phase: CoordinatorPhase, action: () => T): T {
  const before = timing.enter(phase)
  try {
    return action()
  } finally {
    timing.enter(before)
  }
}

export type StepTimingOptions = {
  readonly nowMs: () => number
  /** Steps at the start of a run that the means leave out. */
  readonly warmUpSteps: number
  /** Whether `end` returns the times of each step. */
  readonly logsSteps: boolean
  readonly trace: Trace | null
}

type Account = { readonly sums: PhaseSums<WorkerPhase>; fromMs: number; present: boolean }

export function createStepTiming(options: StepTimingOptions): StepTiming {
  const { nowMs, warmUpSteps, logsSteps, trace } = options
  const timeline = createTimeline(coordinatorPhases, nowMs, coordinatorPieces)
  const own = createPhaseSums(coordinatorPhases)
  const accounts = new Map<number, Account>()
  let stepStartMs = nowMs()

  function begin(): void {
    timeline.enter('other')
    timeline.take()
    countFrom(nowMs())
  }

  function countFrom(startMs: number): void {
    stepStartMs = startMs
    for (const account of accounts.values()) account.fromMs = startMs
  }

  function hear(workerId: number, message: WorkerTimes, clock: ClockOffset): void {
    const now = nowMs()
    const { times } = message
    const estimate = clock.estimate(now)
    // Before the first heartbeat exchange, assumes that the answer took no time to arrive.
    const offsetMs = estimate?.offsetMs ?? endOf(times) - now
    const account = accountOf(workerId)
    account.sums.add(times, account.fromMs + offsetMs)
    trace?.worker(workerId, message, { offsetMs, errorMs: estimate?.errorMs ?? null })
  }

  function accountOf(workerId: number): Account {
    const known = accounts.get(workerId)
    if (known !== undefined) return known
    const account = { sums: createPhaseSums(workerPhases), fromMs: stepStartMs, present: true }
    accounts.set(workerId, account)
    return account
  }

  function end(finished: FinishedStep): StepMetrics | null {
    const times = timeline.take()
    const endMs = endOf(times)
    const stepMs = endMs - times[0]!
    own.add(times, 0)
    const metrics = logsSteps ? describeStep(finished, stepMs) : null
    trace?.step(finished, times)
    const counts = finished.step > warmUpSteps
    own.endStep(stepMs, counts)
    for (const { sums, present } of accounts.values()) sums.endStep(stepMs, counts && present)
    if (counts) stepStartMs = endMs
    else countFrom(endMs)
    return metrics
  }

  function describeStep({ epoch, step, lossSum, correct, count }: FinishedStep, stepMs: number): StepMetrics {
    const present = [...accounts].filter(([, account]) => account.present)
    return {
      type: 'step',
      epoch,
      step,
      samples: count,
      loss: lossSum / count,
      accuracy: correct / count,
      milliseconds: toMicroseconds(stepMs),
      coordinator: own.ofStep(),
      workers: present.map(([id, { sums }]) => ({ id, phases: sums.ofStep() })),
    }
  }

  function report(): PhaseReport | null {
    const coordinator = own.means()
    if (coordinator === null) return null
    const workers = [...accounts].flatMap(([id, { sums }]) => {
      const means = sums.means()
      return means === null ? [] : [{ id, ...means }]
    })
    return { coordinator, workers }
  }

  return {
    enter: timeline.enter,
    begin,
    hear,
    leave: workerId => {
      const account = accounts.get(workerId)
      if (account !== undefined) account.present = false
    },
    end,
    report,
  }
}

function endOf(times: readonly number[]): number {
  let endMs = times[0]!
  for (let at = 2; at < times.length; at += 2) endMs += times[at]!
  return endMs
}
