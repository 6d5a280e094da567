import type { RandomSource } from '@lockstep/data'
import { createGradientFormat, createVectorPool } from '@lockstep/model/arithmetic'
import { createAudit } from '../../src/audit/audit.ts'
import type { AuditCounts } from '../../src/audit/decision-handler.ts'
import type { CoordinatorEvent } from '../../src/events.ts'
import type { Member } from '../../src/membership/member.ts'
import type { EpochMetrics, StepMetrics } from '../../src/metrics.ts'
import type { RunPlan } from '../../src/plan.ts'
import { encodeState } from '../../src/run-state.ts'
import { createStepTiming } from '../../src/timing/step-timing.ts'
import { createLossTrail } from '../../src/training/divergence.ts'
import type { Training } from '../../src/training/setup.ts'
import { warmUpSteps } from '../../src/training/step.ts'
import { train } from '../../src/training/training.ts'
import { createWorkerPool } from '../../src/worker-pool.ts'
import { createFakePool, type FakePool } from './fake-pool.ts'
import { tinyPlan } from './tiny-plan.ts'

export type TinyRun = {
  readonly plan: RunPlan
  readonly status: Awaited<ReturnType<typeof train>>
  readonly epochs: readonly EpochMetrics[]
  readonly steps: readonly StepMetrics[]
  readonly events: readonly CoordinatorEvent[]
  readonly members: readonly Member[]
  readonly audits: AuditCounts
  /** Every checkpoint that was asked for, in order. */
  readonly checkpoints: readonly Uint8Array[]
}

/** Trains the tiny plan with workers in this process, with the coordinator's own worker pool and loop. */
export async function trainTiny(options: {
  readonly plan?: RunPlan
  readonly workers: number
  readonly seed?: number
  readonly engine?: Parameters<typeof createFakePool>[0]['engine']
  /** Fraction of the shards that is computed twice. */
  readonly audit?: number
  readonly disturb?: (pool: FakePool, random: RandomSource) => void
  /** Options of the training loop to replace; with `workerPool`, a test can abort the run. */
  readonly training?: (workerPool: ReturnType<typeof createWorkerPool>) => Partial<Training>
}): Promise<TinyRun> {
  const { plan = tinyPlan(), workers, seed = 1 } = options
  const events: CoordinatorEvent[] = []
  const onEvent = (event: CoordinatorEvent) => void events.push(event)
  const timing = createStepTiming({ nowMs: steadyClock(), warmUpSteps, logsSteps: true, trace: null })
  const steps: StepMetrics[] = []
  const workerPool = createWorkerPool({
    plan,
    life: 1,
    quorum: 1,
    token: 'token',
    waitMs: 60_000,
    shareMemory: false,
    lanes: null,
    topology: 'star',
    timing,
    stop: new AbortController().signal,
    onEvent,
  })
  const { membership } = workerPool
  const { engine, disturb } = options
  const pool = createFakePool({ membership, token: 'token', seed, engine, disturb })
  for (let index = 0; index < workers; index++) pool.add()
  const epochs: EpochMetrics[] = []
  const checkpoints: Uint8Array[] = []
  try {
    await workerPool.awaitWorkers(workers)
    const { identity, config, state, arithmetic } = plan
    const format = createGradientFormat(config, arithmetic, state.weights.length)
    const status = await train({
      ...plan,
      runId: identity.runId,
      exchange: workerPool.exchange,
      direct: workerPool.direct,
      topology: starTopology,
      vectors: createVectorPool(() => arithmetic.allocate(state.weights.length)),
      format,
      audit: createAudit(options.audit ?? 0, config.seed, format, state.weights.length),
      isTrusted: membership.isTrusted,
      meanVector: () => null,
      broadcast: membership.broadcast,
      credit: membership.credit,
      activeWorkers: membership.active,
      awaitQuorum: () => null,
      checkpoint: async () => void checkpoints.push(encodeState(plan.identity, state)),
      isCheckpointDue: () => false,
      losses: createLossTrail(),
      shouldStop: () => false,
      timing,
      onStep: async metrics => void steps.push(metrics),
      onEpoch: async metrics => void epochs.push(metrics),
      onEvent,
      nowMs: steadyClock(),
      ...options.training?.(workerPool),
    })
    const [members, audits] = [membership.everActive(), workerPool.audits()]
    return { plan, status, epochs, steps, events, members, audits, checkpoints }
  } finally {
    pool.stop()
    workerPool.stop()
  }
}

const starTopology: Training['topology'] = {
  next: () => null,
  stepDone: () => undefined,
  counts: () => ({ star: 0, direct: 0 }),
}

/** A clock each of whose readings is 10 ms after the one before. */
export function steadyClock(): () => number {
  let now = 0
  return () => {
    now += 10
    return now
  }
}
