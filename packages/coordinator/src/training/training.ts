import type { ImageSplit } from '@lockstep/data'
import { applyUpdate, type LearningRateSchedule, type Updater, weightsSha256 } from '@lockstep/model'
import type { PackedGradient } from '@lockstep/model/arithmetic'
import { LockstepError, type MessageOf, type RunConfig } from '@lockstep/protocol'
import type { Direct } from '../direct/direct.ts'
import { submitToRing } from '../direct/ring-batch.ts'
import type { TopologyChoice } from '../direct/topology.ts'
import type { EventListener, Phase } from '../events.ts'
import type { Exchange } from '../exchange.ts'
import type { Answer } from '../membership/answer.ts'
import type { EpochMetrics, StepMetrics } from '../metrics.ts'
import { type Position, type RunState, startPosition } from '../run-state.ts'
import type { StepTiming } from '../timing/step-timing.ts'
import { type BatchResult, type PendingBatch, type ReductionTools, submitBatch } from './batch-gradient.ts'
import { type BatchShards, epochBatches } from './batches.ts'
import { diverged, type LossTrail } from './divergence.ts'
import { evaluateSplit } from './evaluation.ts'
import { isOutOfPatience } from './history.ts'

/** Batches whose shards are sent before their step begins, so that no worker waits for data. */
const batchesAhead = 1

/** Steps at the start of a run that its speed leaves out. */
export const warmUpSteps = 20

export type Training = Updater &
  ReductionTools & {
    readonly runId: string
    readonly config: RunConfig
    readonly train: ImageSplit
    readonly validation: ImageSplit | null
    readonly state: RunState
    readonly learningRateAt: LearningRateSchedule
    readonly exchange: Exchange<Answer>
    readonly direct: Direct
    readonly topology: TopologyChoice
    /** Sends the mean gradient of a step to every active worker. */
    readonly broadcast: (update: Omit<MessageOf<'update'>, 'slot'>, gradient: PackedGradient) => void
    /** Counts what a worker has computed of a step that is taken. */
    readonly credit: (workerId: number, samples: number) => void
    readonly activeWorkers: () => number
    /** Null where enough workers are there to go on; else resolves when they are. */
    readonly awaitQuorum: () => Promise<void> | null
    /** Asks for a checkpoint of the state as it is now. */
    readonly checkpoint: () => Promise<void>
    /** Whether to ask for one after this step, beside those at the end of each epoch. */
    readonly isCheckpointDue: (step: number) => boolean
    readonly losses: LossTrail
    readonly shouldStop: () => boolean
    readonly timing: StepTiming
    /** Called where steps are logged. */
    readonly onStep: (metrics: StepMetrics) => Promise<void>
    readonly onEpoch: (metrics: EpochMetrics) => Promise<void>
    readonly onEvent: EventListener
    readonly nowMs: () => number
  }

/** Trains from where the state stands to the last epoch, until it is asked to stop, or until patience runs out. */
export async function train(run: Training): Promise<'completed' | 'stopped early' | 'interrupted'> {
  const { config, state } = run
  for (;;) {
    if (isOutOfPatience(state.history.epochs, config.earlyStopping)) return 'stopped early'
    if (state.position.epoch > config.epochs) return 'completed'
    if (run.shouldStop()) return 'interrupted'
    const start = markStart(run)
    run.onEvent({ type: 'phase', phase: 'training', active: run.activeWorkers() })
    if (!(await trainEpoch(run))) return 'interrupted'
    await finishEpoch(run, start)
  }
}

/** The steps that are left of the epoch. False when asked to stop in between. */
async function trainEpoch(run: Training): Promise<boolean> {
  const { config, state, timing } = run
  const { epoch, batch: first } = state.position
  const batches = epochBatches(run.train, config, epoch)
  const firstStep = state.step - first
  // What was sent ahead when the epoch is left in between never becomes due, and nobody waits for it.
  const ahead: PendingBatch[] = []
  let next = first
  const submitUpTo = (last: number) => {
    for (; next <= last && next < batches.batches; next++)
      ahead.push(submit(run, batches.shards(next), firstStep + next))
  }
  timing.begin()
  for (let batch = first; batch < batches.batches; batch++) {
    if (run.shouldStop()) return false
    await awaitQuorum(run, 'training')
    const startMs = run.nowMs()
    timing.enter('prepare')
    submitUpTo(batch + batchesAhead)
    const pending = ahead.shift()!
    timing.enter('wait')
    const result = await unlessDiverged(run, state.step + 1, pending.result)
    tellStep(run, result)
    // While the workers take the step and compute the next one.
    timing.enter('prepare')
    submitUpTo(batch + 1 + batchesAhead)
    takeStep(run, result)
    run.topology.stepDone(pending.ring)
    pending.release()
    timing.enter('other')
    recordStep(run, result, run.nowMs() - startMs)
    reportStep(run, batches.batches)
    const times = timing.end({ ...result, epoch, step: state.step })
    if (times !== null) await run.onStep(times)
    // After the step's line: a checkpoint takes the lines of all its steps with it to the disk.
    if (run.isCheckpointDue(state.step)) await run.checkpoint()
  }
  return true
}

/** Waits where too few workers are there to go on. */
async function awaitQuorum({ awaitQuorum, activeWorkers, onEvent, timing }: Training, phase: Phase): Promise<void> {
  let waiting = awaitQuorum()
  if (waiting === null) return
  onEvent({ type: 'phase', phase: 'waiting for workers', active: activeWorkers() })
  // Who has come may have gone again before this is told.
  for (; waiting !== null; waiting = awaitQuorum()) await waiting
  onEvent({ type: 'phase', phase, active: activeWorkers() })
  timing.begin()
}

/** Asks for the gradients of a batch, by whichever way they go at this step. */
function submit(run: Training, batch: BatchShards, step: number): PendingBatch {
  const { exchange, runId, config } = run
  const batchRun = { runId, step, shards: config.shards }
  const ring = run.topology.next()
  if (ring === null) return submitBatch(exchange, batch, batchRun, run)
  return submitToRing(exchange, run.direct, batch, { ...batchRun, ring, learningRate: run.learningRateAt(step) }, run)
}

/** Tells the workers the mean gradient of a step, before it is taken here: they compute meanwhile. */
function tellStep(run: Training, { gradient, lossSum, count, isEverywhere }: BatchResult): void {
  const { state, runId, timing } = run
  run.losses.add(lossSum / count)
  if (isEverywhere?.() === true) return
  timing.enter('send')
  const packed = run.format.pack(gradient, { step: state.step, shard: 'mean' })
  run.broadcast({ type: 'update', runId, step: state.step, learningRate: run.learningRateAt(state.step) }, packed)
  // What has been lost by packing is lost to all.
  run.format.unpack(packed, gradient)
}

/** The optimizer step that every replica takes. */
function takeStep(run: Training, { gradient }: BatchResult): void {
  const { state, timing } = run
  timing.enter('optimizer')
  state.optimizer = applyUpdate(run, state.weights, gradient, state.optimizer, run.learningRateAt(state.step))
  state.step += 1
}

function recordStep({ state, credit }: Training, result: BatchResult, elapsedMs: number): void {
  for (const { workerId, samples } of result.shares) credit(workerId, samples)
  const { epoch, batch, lossSum, correct, count } = state.position
  state.position = {
    epoch,
    batch: batch + 1,
    lossSum: lossSum + result.lossSum,
    correct: correct + result.correct,
    count: count + result.count,
  }
  const { history } = state
  history.trainSeconds += elapsedMs / 1000
  if (state.step <= warmUpSteps) return
  history.measuredSamples += result.count
  history.measuredSeconds += elapsedMs / 1000
}

function reportStep({ state, onEvent, activeWorkers }: Training, batches: number): void {
  const { epoch, batch, lossSum, correct, count } = state.position
  const means = { loss: lossSum / count, accuracy: correct / count }
  onEvent({ type: 'step', epoch, batch, batches, step: state.step, ...means, samples: count, active: activeWorkers() })
}

/** Where the epoch, or what was left of it after a resume, began. */
type EpochStart = { readonly atMs: number; readonly trainSeconds: number; readonly count: number }

function markStart({ nowMs, state }: Training): EpochStart {
  return { atMs: nowMs(), trainSeconds: state.history.trainSeconds, count: state.position.count }
}

/** Validates, records the epoch, moves on to the next one and checkpoints. */
async function finishEpoch(run: Training, start: EpochStart): Promise<void> {
  const { state } = run
  const validation = run.validation === null ? null : await validate(run, run.validation)
  const metrics: EpochMetrics = {
    type: 'epoch',
    epoch: state.position.epoch,
    step: state.step,
    ...trainMeans(state.position),
    validationLoss: validation?.loss ?? null,
    validationAccuracy: validation?.accuracy ?? null,
    learningRate: run.learningRateAt(state.step - 1),
    seconds: (run.nowMs() - start.atMs) / 1000,
    imagesPerSecond: trainSpeed(state, start),
    workers: run.activeWorkers(),
  }
  state.history.epochs.push(metrics)
  state.position = startPosition(state.position.epoch + 1)
  await run.checkpoint()
  await run.onEpoch(metrics)
  run.onEvent({ type: 'epoch', metrics })
}

async function validate(run: Training, split: ImageSplit): Promise<{ loss: number; accuracy: number }> {
  run.onEvent({ type: 'phase', phase: 'validating', active: run.activeWorkers() })
  return evaluate(run, split, 'validating')
}

/** Mean loss and accuracy of a split under the present weights. Throws `diverged` when a loss is no number. */
export async function evaluate(
  run: Training,
  split: ImageSplit,
  phase: 'validating' | 'testing',
): Promise<{ loss: number; accuracy: number }> {
  await awaitQuorum(run, phase)
  const { runId, state, exchange } = run
  const { step, weights } = state
  const figures = evaluateSplit(exchange, split, { runId, step, weightsSha256: weightsSha256(weights) })
  return unlessDiverged(run, step, figures)
}

/** What is not finite, whoever computes it, ends a training. `step`, from 1, is the one that is taken or was last. */
async function unlessDiverged<T>(
  { state, losses, learningRateAt }: Training,
  step: number,
  result: Promise<T>,
): Promise<T> {
  return result.catch(error => {
    if (!(error instanceof LockstepError) || error.code !== 'not-finite') throw error
    const learningRate = learningRateAt(Math.max(0, step - 1))
    const where = { step, epoch: state.position.epoch, learningRate, losses: losses.last() }
    throw diverged({ what: error.message, ...where })
  })
}

/** Training samples over the wall time of their steps; 0 where a resume found all steps of the epoch done. */
function trainSpeed({ position, history }: RunState, start: EpochStart): number {
  const seconds = history.trainSeconds - start.trainSeconds
  return seconds > 0 ? (position.count - start.count) / seconds : 0
}

function trainMeans({ lossSum, correct, count }: Position): { trainLoss: number; trainAccuracy: number } {
  return { trainLoss: lossSum / count, trainAccuracy: correct / count }
}
