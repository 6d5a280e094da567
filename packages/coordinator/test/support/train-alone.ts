import { batchRange, cutShards, epochOrder, gather, stepsPerEpoch } from '@lockstep/data'
import { reduceGradients } from '../../src/reduction.ts'
import { createTinyEngine } from './tiny-engine.ts'
import { tinyPlan } from './tiny-plan.ts'

/** The weights of the tiny plan after each step, trained in a plain loop: no workers, no messages. */
export function trainAlone(plan = tinyPlan()): readonly Float32Array[] {
  const { config, train, optimizer, state } = plan
  const engine = createTinyEngine()
  const weights = state.weights.slice()
  let optimizerState = optimizer.initialState(weights.length)
  const trajectory: Float32Array[] = []
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const order = epochOrder({ seed: config.seed, epoch, count: train.count })
    for (let step = 0; step < stepsPerEpoch(train.count, config.batchSize); step++) {
      const { start, end } = batchRange(train.count, config.batchSize, step)
      const shards = cutShards(end - start, config.shards).map(cut => {
        const { pixels, labels } = gather(train, order.subarray(start + cut.start, start + cut.end))
        if (labels.length === 0) return null
        return { gradient: engine.gradient(weights, pixels, labels).gradient, count: labels.length }
      })
      optimizerState = optimizer.apply(weights, reduceGradients(shards), optimizerState)
      trajectory.push(weights.slice())
    }
  }
  return trajectory
}
