import type { ParameterLayout } from '../layout.ts'
import { weightVariables } from '../layout.ts'
import { tf } from '../tfjs.ts'
import { announceLayers } from './announce-layers.ts'
import type { Compile } from './compiler.ts'
import { createForwardPasses, type Forward, type TrainingOptions } from './forward.ts'
import { flatten, unflatten, withWeights } from './traced-weights.ts'

export type Mode = 'gradient' | 'evaluate'

/**
 * Creates the computation of a shard for a compiler to trace. It takes weights [layout.size], pixels [n, …], labels [n]
 * and, in the mode `gradient`, keys [n]. It returns losses [n] and predictions [n] and, in the mode `gradient`, the
 * vector [layout.size] that `ShardGradient` describes.
 */
export function createShardTrace(
  model: tf.LayersModel,
  layout: ParameterLayout,
  options: TrainingOptions,
  mode: Mode,
): Parameters<Compile>[0]['trace'] {
  const shapes = layout.entries.map(({ shape }) => shape)
  const slots = weightVariables(model)
  const trainable = model.trainableWeights.length

  return ([weights, pixels, labels, keys], enter) => {
    const { training, inference } = createForwardPasses(model, options, enter)
    const values = unflatten(weights!, shapes)
    const compute = (variables: tf.Variable[]) => {
      if (mode === 'evaluate') return Object.values(inference(pixels!, labels!))
      const [before, after] = [values.slice(trainable), variables.slice(trainable)]
      const outputs = differentiate(() => training(pixels!, labels!, keys!), variables.slice(0, trainable))
      const changes = after.map((variable, index) => tf.sub(variable, before[index]!))
      const { losses, predictions, gradients } = outputs
      return [losses, predictions, flatten([...gradients, ...changes])]
    }
    return withWeights(slots, values, variables => announceLayers(model, enter, () => compute(variables)))
  }
}

function differentiate(
  forward: () => Forward,
  variables: readonly tf.Variable[],
): Forward & { readonly gradients: readonly tf.Tensor[] } {
  let kept!: Forward
  const meanLoss = () => {
    const { losses, predictions } = forward()
    kept = { losses: tf.keep(losses), predictions: tf.keep(predictions) }
    return tf.mean(losses) as tf.Scalar
  }
  const { grads } = tf.variableGrads(meanLoss, [...variables])
  // A parameter that the loss does not depend on has no gradient.
  return { ...kept, gradients: variables.map(variable => grads[variable.name] ?? tf.zerosLike(variable)) }
}
