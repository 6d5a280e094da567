import { basename } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import {
  type Clock,
  LockstepError,
  letHeapDouble,
  maxClientFrameBytes,
  reasonOf,
  type SystemMemory,
} from '@lockstep/protocol'
import { createDeferred } from './deferred.ts'
import type { TopologyMode, TopologyTrial } from './direct/topology.ts'
import type { EventListener } from './events.ts'
import type { RunSummary } from './metrics.ts'
import { tellOfMixedBackends } from './mixed-backends.ts'
import type { RunPlan } from './plan.ts'
import { createRecords, type Records } from './records.ts'
import { limitRefusals } from './refusal-limit.ts'
import { permittedTopology, tellOfAudits, usesLanes } from './routes.ts'
import type { RunFolder } from './run-folder/run-folder.ts'
import { watchForSuccessor } from './run-folder/successor-watch.ts'
import type { Listener, ListenOptions } from './server.ts'
import { type LanesOptions, openLanes } from './shared-memory/lanes.ts'
import { summarizeRun, summaryFacts } from './summary.ts'
import { openRunTiming, type RunTiming, type TimingOptions } from './timing/run-timing.ts'
import { createLossTrail } from './training/divergence.ts'
import { evaluate } from './training/evaluation.ts'
import { setUpTraining, type Training } from './training/setup.ts'
import { warmUpSteps } from './training/step.ts'
import { train } from './training/training.ts'
import { createWorkerPool, type WorkerPool } from './worker-pool.ts'
import { type CoordinatorWorld, systemWorld } from './world.ts'

/** Room in a frame for everything but its largest tensor. */
const frameOverheadBytes = 128 * 1024

export type CoordinatorOptions = TimingOptions & {
  readonly plan: RunPlan
  /** Opens the run folder. Called once the coordinator listens. */
  readonly openFolder: () => Promise<RunFolder>
  readonly listen: Pick<ListenOptions, 'host' | 'port' | 'tls'>
  readonly token: string
  /** How many workers to wait for before the first step. */
  readonly minWorkers: number
  /** No step begins with fewer workers than this; 1 by default. */
  readonly quorum?: number
  /** How long a run that has lost all its workers waits for one before it takes a checkpoint and fails. */
  readonly waitMs: number
  /** The caller has started workers too, and calls `abort` when one of them reports that none can compute the model. */
  readonly hasLocalWorkers?: boolean
  /** Whether workers on this machine get tensors through shared memory. */
  readonly shareMemory: boolean
  /** Without it, shared memory is read and written by system calls. */
  readonly systemMemory?: SystemMemory | null
  /** How gradients travel: through the coordinator, among the workers, or whichever is faster. */
  readonly topology: TopologyMode
  /** How a run compares both topologies in `auto` mode. */
  readonly topologyTrial?: TopologyTrial | undefined
  /**
   * The fraction of shards, from 0 to 1, that two workers compute and the coordinator compares. Above 0, all gradients
   * go through the coordinator.
   */
  readonly audit: number
  /** Steps between checkpoints within an epoch; 0 for none. */
  readonly checkpointEvery: number
  /** Minutes between checkpoints within an epoch; 0 for none. */
  readonly checkpointMinutes: number
  /** Asks to stop with a checkpoint, after the current step or, where that step makes no progress, before it. */
  readonly stop: AbortSignal
  /**
   * Whether another coordinator continues the run after this error. If so, workers are told to reconnect; otherwise to
   * end.
   */
  readonly goesOnAfter?: ((error: unknown) => boolean) | undefined
  readonly onEvent: EventListener
}

type Conduct = CoordinatorOptions & { readonly quorum: number; readonly timing: RunTiming; readonly clock: Clock }

export type Coordinator = {
  readonly url: string
  /** Ends the run with this error, after a checkpoint. */
  readonly abort: (error: LockstepError) => void
  /** No more than this many workers will ever join, so nothing waits for more. */
  readonly expectWorkers: (workers: number) => void
  /** Resolves when the run has ended, everything is written and all workers are disconnected. */
  readonly finished: Promise<RunSummary>
}

/**
 * Listens for workers and trains the plan with them. Throws when it cannot listen, when the folder or the trace cannot
 * be written, and `model-too-large`.
 */
export async function startCoordinator(
  given: CoordinatorOptions,
  world: CoordinatorWorld = systemWorld,
): Promise<Coordinator> {
  const { clock, listen } = world
  refuseTooLarge(given.plan)
  letHeapDouble()
  const timing = openRunTiming(given, warmUpSteps, clock.nowMs)
  const options: Conduct = {
    ...given,
    quorum: given.quorum ?? 1,
    timing,
    clock,
    onEvent: tellOfMixedBackends(given.plan.state, limitRefusals(timing.listen(given.onEvent), clock.nowMs)),
  }
  const { onEvent } = options
  const opening = createDeferred<void>()
  let pool: WorkerPool | null = null
  const listener = await listen({
    ...options.listen,
    maxFrameBytes: maxFrameBytes(options),
    opened: opening.promise,
    onConnection: (address, connect) => pool!.membership.accept(address, connect),
    onBadConnection: (address, reason) => onEvent({ type: 'refused', address, reason }),
  }).catch(error => {
    timing.close()
    throw error
  })
  onEvent({ type: 'listening', url: listener.url })
  try {
    const folder = await options.openFolder()
    pool = await createPool(options, folder.life)
    opening.resolve()
    const finished = runToEnd(options, pool, folder, listener)
    return { url: listener.url, abort: pool.abort, expectWorkers: pool.expect, finished }
  } catch (error) {
    await closeDown(options, pool, listener)
    throw error
  }
}

/** Throws `model-too-large` where the message with the state would exceed what a worker accepts. */
export function refuseTooLarge({ state, trainableSize }: Pick<RunPlan, 'state' | 'trainableSize'>): void {
  const { weights, optimizer } = state
  const numbers = weights.length + optimizer.moments.length * trainableSize
  const most = (maxClientFrameBytes - frameOverheadBytes) / weights.BYTES_PER_ELEMENT
  if (numbers <= most) return
  const each = `${weights.length.toLocaleString('en')} weights and ${optimizer.moments.length} moments of each`
  throw new LockstepError('model-too-large', 'the model is too large to be sent to a worker', {
    kind: 'usage',
    expected: `at most ${most.toLocaleString('en')} numbers, with the moments of the optimizer`,
    received: `${numbers.toLocaleString('en')}: ${each}`,
  })
}

/** Creates the worker pool of this life, and its lanes where it uses any. */
async function createPool(options: Conduct, life: number): Promise<WorkerPool> {
  const onGreeting: LanesOptions['onGreeting'] = greeting => pool.membership.acceptLane(greeting)
  const lanes = usesLanes(options) ? await openLanes({ maxFrameBytes: maxFrameBytes(options), onGreeting }) : null
  const timing = options.timing.steps
  const pool = createWorkerPool({ ...options, life, topology: permittedTopology(options), lanes, timing })
  return pool
}

function maxFrameBytes({ plan }: Conduct): number {
  return plan.state.weights.byteLength + frameOverheadBytes
}

async function runToEnd(
  options: Conduct,
  pool: WorkerPool,
  folder: RunFolder,
  listener: Listener,
): Promise<RunSummary> {
  const { timing, clock } = options
  const losses = createLossTrail()
  const records = createRecords({ ...options, folder, losses, nowMs: clock.nowMs })
  const training = setUpTraining(
    { ...options, topology: permittedTopology(options), losses, timing: timing.steps, nowMs: clock.nowMs },
    pool,
    records,
  )
  const stopWatching = watchForSuccessor(clock, folder, pool.abort)
  try {
    const underway = { pool, folder, training, records }
    const summary = await conclude(options, underway, await trainAndTest(options, underway))
    pool.membership.dismiss(
      summary.status === 'interrupted' ? 'interrupted' : 'finished',
      `the run is ${summary.status}`,
    )
    return summary
  } catch (error) {
    const reason = reasonOf(error)
    const isSuperseded = error instanceof LockstepError && error.code === 'superseded'
    const goesOn = isSuperseded || options.goesOnAfter?.(error) === true
    pool.membership.dismiss(goesOn ? 'superseded' : 'failed', reason)
    if (!isSuperseded) await records.saveBeforeFailing()
    throw error
  } finally {
    stopWatching()
    await closeDown(options, pool, listener)
  }
}

type Underway = {
  readonly pool: WorkerPool
  readonly folder: RunFolder
  readonly training: Training
  readonly records: Records
}

/** Trains, then tests. Returns how the training ended and the test's result. */
async function trainAndTest(
  options: Conduct,
  { pool, training, records }: Underway,
): Promise<Pick<RunSummary, 'status' | 'test'>> {
  const { plan, onEvent, minWorkers, stop } = options
  tellOfAudits(options, onEvent)
  onEvent({ type: 'phase', phase: 'waiting for workers', active: pool.membership.active() })
  enlargePages(options)
  const trained = await unlessInterrupted(async () => {
    await pool.awaitWorkers(minWorkers)
    return train(training)
  }).finally(pool.trained)
  if (trained === 'interrupted') {
    await records.checkpointing.take()
    return { status: 'interrupted', test: null }
  }
  onEvent({ type: 'phase', phase: 'testing', active: pool.membership.active() })
  const test = await unlessInterrupted(() => abortWhenStopped(stop, pool, evaluate(training, plan.test, 'testing')))
  return test === 'interrupted' ? { status: 'interrupted', test: null } : { status: trained, test }
}

/** Writes what the folder of a finished run contains: the last records, the model and the summary. */
async function conclude(
  options: Conduct,
  { pool, folder, training, records }: Underway,
  ending: Pick<RunSummary, 'status' | 'test'>,
): Promise<RunSummary> {
  const { plan, timing } = options
  await records.settle()
  await folder.writeModel(plan.modelFiles())
  const { star, direct } = training.topology.counts()
  const topology = direct > star ? ('direct' as const) : ('star' as const)
  const phases = timing.steps.report()
  const audit = options.audit === 0 ? null : { fraction: options.audit, ...pool.audits() }
  const outcome = { ...ending, topology, audit, phases, weightsSha256: weightsSha256(plan.state.weights) }
  const summary = summarizeRun(
    summaryFacts(basename(folder.path), plan),
    plan.state,
    pool.membership.everActive(),
    outcome,
  )
  await folder.writeSummary(summary)
  return summary
}

/**
 * A step reads samples from all over the data set and passes over all vectors, after other processes have used the
 * CPU's caches.
 */
function enlargePages({ plan, systemMemory }: Conduct): void {
  systemMemory?.useHugePages(plan.train.pixels.buffer)
  systemMemory?.useHugePages(plan.state.weights.buffer)
}

/**
 * Turns the error `interrupted` into a result. A stop request also ends the wait for workers, the test, and a step that
 * hangs.
 */
async function unlessInterrupted<T>(work: () => Promise<T>): Promise<T | 'interrupted'> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'interrupted') return 'interrupted'
    throw error
  }
}

/** Aborts the pool's work as soon as the run is asked to stop. The trained state is already saved by then. */
async function abortWhenStopped<T>(
  stop: AbortSignal,
  { abort }: Pick<WorkerPool, 'abort'>,
  work: Promise<T>,
): Promise<T> {
  const leave = () => abort(new LockstepError('interrupted', 'interrupted while testing'))
  if (stop.aborted) leave()
  stop.addEventListener('abort', leave)
  return work.finally(() => stop.removeEventListener('abort', leave))
}

async function closeDown({ timing }: Conduct, pool: WorkerPool | null, listener: Listener): Promise<void> {
  pool?.stop()
  await listener.close()
  timing.close()
}
