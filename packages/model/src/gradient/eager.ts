import type { ParameterLayout } from '../layout.ts'
import { tf } from '../tfjs.ts'
import type { GradientEngine, ShardEvaluation, ShardGradient } from './engine.ts'
import { createLogits } from './logits.ts'
import { crossEntropy, summarizeShard } from './loss.ts'
import { inScope } from './scope.ts'
import { checkShard } from './shard.ts'
import { createUpload } from './upload.ts'

/**
 * An engine that runs the model op by op on whichever tfjs backend is selected. It owns the model's variables from
 * then on: whoever else writes them makes its results wrong.
 *
 * @throws LockstepError `model-no-softmax` at once; `shard-empty`, `shard-size`, `shard-label` and `weights-size` from
 * its functions.
 */
export function createEagerEngine(model: tf.LayersModel, layout: ParameterLayout): GradientEngine {
  const logitsOf = createLogits(model)
  const upload = createUpload(model, layout)
  const variables = model.trainableWeights.map(weight => weight.read() as tf.Variable)
  const sampleShape = model.inputs[0]!.shape.slice(1) as number[]
  const pixelsPerSample = sampleShape.reduce((product, size) => product * size, 1)
  const classes = model.outputs[0]!.shape[1] as number

  function forward(pixels: Uint8Array, labels: Uint8Array, training: boolean) {
    const inputs = tf.tensor(new Float32Array(pixels), [labels.length, ...sampleShape], 'float32')
    const logits = logitsOf(inputs, { training })
    const losses = crossEntropy(logits, tf.tensor1d(new Int32Array(labels), 'int32'))
    const predictions = tf.argMax(logits, 1)
    return { losses, evaluation: summarizeShard(losses.dataSync(), predictions.dataSync(), labels) }
  }

  function gradient(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): ShardGradient {
    checkShard(pixels, labels, pixelsPerSample, classes)
    upload(weights)
    return inScope(() => {
      let evaluation!: ShardEvaluation
      const meanLoss = () => {
        const shard = forward(pixels, labels, true)
        evaluation = shard.evaluation
        return tf.mean(shard.losses) as tf.Scalar
      }
      const { grads } = tf.variableGrads(meanLoss, variables)
      const { lossSum, correct, count } = evaluation
      return { lossSum, correct, count, gradient: flatten(layout, variables, grads) }
    })
  }

  function evaluate(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): ShardEvaluation {
    checkShard(pixels, labels, pixelsPerSample, classes)
    upload(weights)
    return inScope(() => forward(pixels, labels, false).evaluation)
  }

  return { name: 'eager', gradient, evaluate, dispose: () => {} }
}

/** One flat vector; a parameter that the loss does not depend on has no gradient and keeps zeros. */
function flatten(
  layout: ParameterLayout,
  variables: readonly tf.Variable[],
  gradients: Readonly<Record<string, tf.Tensor | undefined>>,
): Float32Array {
  const flat = new Float32Array(layout.size)
  for (const [index, { offset }] of layout.entries.entries()) {
    const tensor = gradients[variables[index]!.name]
    if (tensor) flat.set(tensor.dataSync(), offset)
  }
  return flat
}
