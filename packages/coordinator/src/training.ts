import type { ImageSplit } from '@lockstep/data'
import { type Optimizer, weightsSha256 } from '@lockstep/model'
import { encodeMessage, LockstepError, type RunConfig } from '@lockstep/protocol'
import { epochBatches } from './batches.ts'
import { evaluateSplit } from './evaluation.ts'
import type { EventListener } from './events.ts'
import type { Exchange } from './exchange.ts'
import { isOutOfPatience } from './history.ts'
import type { Answer } from './membership.ts'
import type { EpochMetrics } from './metrics.ts'
import { type Position, type RunState, startPosition } from './run-state.ts'
import { type BatchResult, combineShards, submitBatch } from './step.ts'

/** Batches whose shards are sent before their step begins, so that no worker waits for data. */
const batchesAhead = 1

/** Steps at the start of a run that its speed leaves out. */
export const warmUpSteps = 20

export type Training = {
  readonly runId: string
  readonly config: RunConfig
  readonly train: ImageSplit
  readonly validation: ImageSplit | null
  readonly state: RunState
  readonly optimizer: Optimizer
  readonly exchange: Exchange<Answer>
  /** Sends a frame to every active worker. */
  readonly broadcast: (frame: Uint8Array) => void
  readonly activeWorkers: () => number
  /** Asks for a checkpoint of the state as it is now. */
  readonly checkpoint: () => Promise<void>
  /** Steps between checkpoints beside those at the end of each epoch; 0 for none. */
  readonly checkpointEvery: number
  readonly shouldStop: () => boolean
  readonly onEpoch: (metrics: EpochMetrics) => Promise<void>
  readonly onEvent: EventListener
  readonly nowMs: () => number
}

/** Trains from where the state stands to the last epoch, until it is asked to stop, or until patience runs out. */
export async function train(run: Training): Promise<'completed' | 'stopped early' | 'interrupted'> {
  const { config, state } = run
  while (state.position.epoch <= config.epochs) {
    const startMs = run.nowMs()
    run.onEvent({ type: 'phase', phase: 'training', active: run.activeWorkers() })
    const trainMs = await trainEpoch(run)
    if (trainMs === null) return 'interrupted'
    await finishEpoch(run, startMs, trainMs)
    if (isOutOfPatience(state.history.epochs, config.earlyStopping)) return 'stopped early'
    if (run.shouldStop()) return state.position.epoch <= config.epochs ? 'interrupted' : 'completed'
  }
  return 'completed'
}

/** The steps that are left of the epoch. Returns their wall time, or null when asked to stop in between. */
async function trainEpoch(run: Training): Promise<number | null> {
  const { config, state, exchange } = run
  const { epoch, batch: first } = state.position
  const batches = epochBatches(run.train, config, epoch)
  const ahead: Promise<readonly Answer[]>[] = []
  const startMs = run.nowMs()
  try {
    for (let batch = first, submitted = first; batch < batches.batches; batch++) {
      if (run.shouldStop()) return null
      const stepStartMs = run.nowMs()
      for (; submitted <= batch + batchesAhead && submitted < batches.batches; submitted++) {
        ahead.push(
          submitBatch(exchange, batches, submitted, { runId: run.runId, step: state.step + submitted - batch }),
        )
      }
      const answers = await ahead.shift()!
      const result = combineShards(answers, config.shards)
      takeStep(run, result)
      recordStep(run, result, run.nowMs() - stepStartMs)
      reportStep(run, batches.batches)
      if (run.checkpointEvery > 0 && state.step % run.checkpointEvery === 0) await run.checkpoint()
    }
    return run.nowMs() - startMs
  } finally {
    // What was sent ahead may never become due: nobody waits for it, but its rejection is heard.
    void Promise.allSettled(ahead)
  }
}

/** One optimizer step, here and in every replica: the workers are told first, so that they compute meanwhile. */
function takeStep(run: Training, { gradient, lossSum, count }: BatchResult): void {
  const { config, state, runId } = run
  if (!Number.isFinite(lossSum)) throw diverged(config, state, 'training', lossSum / count)
  run.broadcast(encodeMessage({ type: 'update', runId, step: state.step }, { gradient }))
  state.optimizer = run.optimizer.apply(state.weights, gradient, state.optimizer)
  state.step += 1
}

function recordStep({ state }: Training, result: BatchResult, elapsedMs: number): void {
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

/** Validates, records the epoch, moves on to the next one and checkpoints. */
async function finishEpoch(run: Training, startMs: number, trainMs: number): Promise<void> {
  const { state, config } = run
  const validation = run.validation === null ? null : await validate(run, run.validation)
  const metrics: EpochMetrics = {
    type: 'epoch',
    epoch: state.position.epoch,
    step: state.step,
    ...trainMeans(state.position),
    validationLoss: validation?.loss ?? null,
    validationAccuracy: validation?.accuracy ?? null,
    learningRate: config.learningRate,
    seconds: (run.nowMs() - startMs) / 1000,
    imagesPerSecond: state.position.count / (trainMs / 1000),
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
  const figures = await evaluate(run, split)
  if (!Number.isFinite(figures.loss)) throw diverged(run.config, run.state, 'validation', figures.loss)
  return figures
}

/** Mean loss and accuracy of a split under the present weights. */
export function evaluate(run: Training, split: ImageSplit): Promise<{ loss: number; accuracy: number }> {
  const { runId, state } = run
  return evaluateSplit(run.exchange, split, { runId, step: state.step, weightsSha256: weightsSha256(state.weights) })
}

function trainMeans({ lossSum, correct, count }: Position): { trainLoss: number; trainAccuracy: number } {
  return { trainLoss: lossSum / count, trainAccuracy: correct / count }
}

function diverged(config: RunConfig, state: RunState, sample: string, loss: number): LockstepError {
  const where = `after step ${state.step}, in epoch ${state.position.epoch}`
  return new LockstepError('diverged', `training has diverged: the ${sample} loss ${where} is ${loss}`, {
    hint: `Try a lower --learning-rate (now ${config.learningRate}) and look at the data.`,
  })
}
