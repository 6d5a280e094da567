import { batchRange, cutShards, epochOrder, gather, sampleKeys, stepsPerEpoch } from '@lockstep/data'
import { applyUpdate } from '@lockstep/model'
import { createTreeReduction, plainArithmetic, roundingKey } from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { createTinyEngine } from './tiny-engine.ts'
import { tinyPlan } from './tiny-plan.ts'

/** The weights of the tiny plan after each step, trained in a plain loop: no workers, no messages. */
export function trainAlone(plan = tinyPlan()): readonly Float32Array[] {
  const { config, train, optimizer, learningRateAt, state } = plan
  const engine = createTinyEngine()
  const weights = state.weights.slice()
  let optimizerState = optimizer.initialState(plan.trainableSize)
  const trajectory: Float32Array[] = []
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const order = epochOrder({ seed: config.seed, epoch, count: train.count })
    for (let step = 0; step < stepsPerEpoch(train.count, config.batchSize); step++) {
      const { start, end } = batchRange(train.count, config.batchSize, step)
      const total = end - start
      const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: config.shards, total })
      for (const [shard, cut] of cutShards(total, config.shards).entries()) {
        const indices = order.subarray(start + cut.start, start + cut.end)
        const { pixels, labels } = gather(train, indices)
        if (labels.length === 0) continue
        const keys = sampleKeys({ seed: config.seed, epoch, indices })
        const { gradient } = engine.gradient(weights, pixels, labels, keys)
        compress(gradient, config, optimizerState.step, shard)
        reduction.add(shard, gradient, labels.length)
      }
      const learningRate = learningRateAt(optimizerState.step)
      const mean = reduction.result()
      compress(mean, config, optimizerState.step, 'mean')
      optimizerState = applyUpdate(plan, weights, mean, optimizerState, learningRate)
      trajectory.push(weights.slice())
    }
  }
  return trajectory
}

/** Rounds a gradient in place as compression for transport does. */
function compress(gradient: Float32Array, { compress, seed }: RunConfig, step: number, shard: number | 'mean'): void {
  if (compress === 'none') return
  const rounded = new Uint16Array(gradient.length)
  plainArithmetic.roundToBfloat16(gradient, rounded, roundingKey(seed, step, shard))
  plainArithmetic.expandBfloat16(rounded, gradient)
}
