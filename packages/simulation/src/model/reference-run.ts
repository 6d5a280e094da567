import type { EpochMetrics, RunPlan } from '@lockstep/coordinator'
import { batchRange, cutShards, epochOrder, gather, sampleKeys, stepsPerEpoch } from '@lockstep/data'
import { applyUpdate, weightsSha256 } from '@lockstep/model'
import { plainArithmetic, roundingKey } from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { evaluationOf, gradientOf } from './tiny-model.ts'
import { planTinyRun, type TinyConfig } from './tiny-plan.ts'

/** The state of a run after some steps. */
export type ReferenceState = {
  readonly weights: Float32Array
  readonly moments: readonly Float32Array[]
  readonly powers: readonly number[]
}

/** The undisturbed run: a plain loop without workers or messages. */
export type ReferenceRun = {
  /** Before the first step, after the first one, and so on. */
  readonly states: readonly ReferenceState[]
  /** The samples of each step, by their numbers. */
  readonly batches: readonly (readonly number[])[]
  readonly epochs: readonly EpochFigures[]
  readonly weightsSha256: string
}

/** The figures of an epoch's line that do not depend on time or workers. */
export type EpochFigures = Pick<
  EpochMetrics,
  'epoch' | 'step' | 'trainLoss' | 'trainAccuracy' | 'validationLoss' | 'validationAccuracy' | 'learningRate'
>

const known = new Map<string, ReferenceRun>()

export function referenceRun(tiny: TinyConfig): ReferenceRun {
  const key = JSON.stringify(tiny)
  const run = known.get(key) ?? trainAlone(planTinyRun('reference', tiny, null))
  known.set(key, run)
  return run
}

function trainAlone(plan: RunPlan): ReferenceRun {
  const { config, train } = plan
  const { weights } = plan.state
  let { optimizer } = plan.state
  const capture = () => ({
    weights: weights.slice(),
    moments: optimizer.moments.map(moment => moment.slice()),
    powers: [...optimizer.powers],
  })
  const states = [capture()]
  const batches: number[][] = []
  const epochs: EpochFigures[] = []
  const steps = stepsPerEpoch(train.count, config.batchSize)
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const order = epochOrder({ seed: config.seed, epoch, count: train.count })
    let [lossSum, correct] = [0, 0]
    for (let batch = 0; batch < steps; batch++) {
      const { start, end } = batchRange(train.count, config.batchSize, batch)
      const indices = order.subarray(start, end)
      const mean = meanGradient(plan, weights, indices, epoch, optimizer.step)
      lossSum += mean.lossSum
      correct += mean.correct
      optimizer = applyUpdate(plan, weights, mean.gradient, optimizer, plan.learningRateAt(optimizer.step))
      batches.push([...indices])
      states.push(capture())
    }
    epochs.push({
      epoch,
      step: states.length - 1,
      trainLoss: lossSum / train.count,
      trainAccuracy: correct / train.count,
      ...validate(plan, weights),
      learningRate: plan.learningRateAt(states.length - 2),
    })
  }
  return { states, batches, epochs, weightsSha256: weightsSha256(weights) }
}

function meanGradient(
  { config, train }: RunPlan,
  weights: Float32Array,
  batch: Uint32Array,
  epoch: number,
  step: number,
): { readonly gradient: Float32Array; readonly lossSum: number; readonly correct: number } {
  const means = new Array<Float32Array | null>(config.shards).fill(null)
  let [lossSum, correct] = [0, 0]
  for (const [shard, { start, end }] of cutShards(batch.length, config.shards).entries()) {
    if (start === end) continue
    const indices = batch.subarray(start, end)
    const { pixels, labels } = gather(train, indices)
    const keys = sampleKeys({ seed: config.seed, epoch, indices })
    const computed = gradientOf(weights, pixels, labels, keys)
    travel(computed.gradient, config, step, shard)
    means[shard] = computed.gradient.map(value => value * (labels.length / batch.length))
    lossSum += computed.lossSum
    correct += computed.correct
  }
  const gradient = addInPairs(means)!
  travel(gradient, config, step, 'mean')
  return { gradient, lossSum, correct }
}

/**
 * Adds vectors in the product's order, without its code: the left half has the largest power of two below the number of
 * vectors.
 */
function addInPairs(vectors: readonly (Float32Array | null)[]): Float32Array | null {
  if (vectors.length === 1) return vectors[0]!
  const half = 2 ** (31 - Math.clz32(vectors.length - 1))
  const [left, right] = [addInPairs(vectors.slice(0, half)), addInPairs(vectors.slice(half))]
  if (left === null || right === null) return left ?? right
  return left.map((value, at) => value + right[at]!)
}

/** Rounds a gradient as sending it does. */
function travel(gradient: Float32Array, { compress, seed }: RunConfig, step: number, shard: number | 'mean'): void {
  if (compress === 'none') return
  const rounded = new Uint16Array(gradient.length)
  plainArithmetic.roundToBfloat16(gradient, rounded, roundingKey(seed, step, shard))
  plainArithmetic.expandBfloat16(rounded, gradient)
}

function validate({ validation }: RunPlan, weights: Float32Array) {
  const { pixels, labels, count } = validation!
  const { lossSum, correct } = evaluationOf(weights, pixels, labels)
  return { validationLoss: lossSum / count, validationAccuracy: correct / count }
}
