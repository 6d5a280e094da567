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

/** Pieces of a step that the coordinator keeps apart: two for each gradient of a hundred workers, and some. */
const coordinatorPieces = 256

/** What a step came to, beside its times. */
export type FinishedStep = {
  readonly epoch: number
  /** Optimizer steps that are done, this one included. */
  readonly step: number
  /** Sums over the samples of the global batch. */
  readonly lossSum: number
  readonly correct: number
  readonly count: number
}

/** What a worker tells with the gradient of a shard. */
export type WorkerTimes = { readonly step: number; readonly shard: number; readonly times: Times }

/** Where the steps of a run go: the coordinator's time as it passes, the workers' as they tell it with their gradients. */
export type StepTiming = {
  readonly enter: Timeline<CoordinatorPhase>['enter']
  /** The first of several steps in succession begins; what has passed before belongs to none. */
  readonly begin: () => void
  /** Takes what a worker did since it answered last. */
  readonly hear: (workerId: number, message: WorkerTimes, clock: ClockOffset) => void
  /** A worker has gone: the steps from here on are not its. */
  readonly leave: (workerId: number) => void
  /** A step is over, and the next one begins. Returns its times, where they are logged. */
  readonly end: (finished: FinishedStep) => StepMetrics | null
  /** Means over the steps after the warm-up; null before there is one. */
  readonly report: () => PhaseReport | null
}

/** Does something that counts as this phase; then the one before goes on. */
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
  /** Steps at the start of a run that means leave out. */
  readonly warmUpSteps: number
  /** Whether `end` tells the times of each step. */
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
    // Without an exchange of heartbeats, as if the answer had been under way for no time.
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
