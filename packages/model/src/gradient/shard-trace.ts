import type { ParameterLayout } from '../layout.ts'
import { tf } from '../tfjs.ts'
import { announceLayers } from './announce-layers.ts'
import type { Compile } from './compiler.ts'
import type { LogitsFunction } from './logits.ts'
import { crossEntropy } from './loss.ts'
import { flatten, unflatten, withWeights } from './traced-weights.ts'

export type Mode = 'gradient' | 'evaluate'

type Forward = { readonly losses: tf.Tensor; readonly predictions: tf.Tensor }

/**
 * The computation of a shard for a compiler. It takes weights [layout.size], pixels [n, …], labels [n] and, if the model
 * has non-trainable weights, those in one vector. It returns losses [n] and predictions [n] and, in the mode `gradient`,
 * the gradient [layout.size] and the non-trainable weights after the shard.
 */
export function createShardTrace(
  model: tf.LayersModel,
  layout: ParameterLayout,
  logitsOf: LogitsFunction,
  mode: Mode,
): Parameters<Compile>[0]['trace'] {
  const weightShapes = layout.entries.map(({ shape }) => shape)
  const stateShapes = model.nonTrainableWeights.map(({ shape }) => shape as number[])
  const slots = [...model.trainableWeights, ...model.nonTrainableWeights]

  return ([weights, pixels, labels, state], enter) => {
    const values = [...unflatten(weights!, weightShapes), ...(state ? unflatten(state, stateShapes) : [])]
    const samples = tf.cast(pixels!, 'float32')
    const forward = (): Forward => {
      const logits = logitsOf(samples, { training: mode === 'gradient' })
      enter('the loss')
      return { losses: crossEntropy(logits, labels as tf.Tensor1D), predictions: tf.argMax(logits, 1) }
    }
    const compute = (variables: tf.Variable[]) =>
      mode === 'evaluate' ? Object.values(forward()) : differentiate(forward, variables, weightShapes.length)
    return withWeights(slots, values, variables => announceLayers(model, enter, () => compute(variables)))
  }
}

/** The first `trainable` variables are those that the gradient is taken by. */
function differentiate(forward: () => Forward, variables: tf.Variable[], trainable: number): readonly tf.Tensor[] {
  const [weights, state] = [variables.slice(0, trainable), variables.slice(trainable)]
  let kept!: readonly tf.Tensor[]
  const meanLoss = () => {
    const { losses, predictions } = forward()
    kept = [tf.keep(losses), tf.keep(predictions)]
    return tf.mean(losses) as tf.Scalar
  }
  const { grads } = tf.variableGrads(meanLoss, weights)
  // A parameter that the loss does not depend on has no gradient.
  const gradients = weights.map(weight => grads[weight.name] ?? tf.zerosLike(weight))
  return [...kept, flatten(gradients), ...(state.length > 0 ? [flatten(state)] : [])]
}
