import { type ParameterLayout, weightVariables } from '../layout.ts'
import { tf } from '../tfjs.ts'
import type { GradientEngine, ShardEvaluation, ShardGradient } from './engine.ts'
import { createForwardPasses, type Forward, plainTraining, type TrainingOptions } from './forward.ts'
import { summarizeShard } from './loss.ts'
import { inScope } from './scope.ts'
import { checkKeys, checkShard } from './shard.ts'
import { createUpload } from './upload.ts'

/**
 * Creates an engine that runs the model op by op on the selected tfjs backend. It then owns the model's variables: its
 * results are wrong if anything else writes them.
 *
 * @throws LockstepError `model-no-softmax`, `random-layer` and `model-dilation`. The engine's functions throw
 * `shard-empty`, `shard-size`, `shard-label` and `weights-size`.
 */
export function createEagerEngine(
  model: tf.LayersModel,
  layout: ParameterLayout,
  options: TrainingOptions = plainTraining,
): GradientEngine {
  const { training, inference } = createForwardPasses(model, options)
  const upload = createUpload(model, layout)
  const variables = weightVariables(model).map(weight => weight.read() as tf.Variable)
  const trainable = model.trainableWeights.length
  const sampleShape = model.inputs[0]!.shape.slice(1) as number[]
  const pixelsPerSample = tf.util.sizeFromShape(sampleShape)
  const classes = model.outputs[0]!.shape[1] as number

  const pixelsOf = (pixels: Uint8Array, count: number) =>
    tf.tensor(new Int32Array(pixels), [count, ...sampleShape], 'int32')
  const vectorOf = (values: Uint8Array | Int32Array) => tf.tensor1d(new Int32Array(values), 'int32')

  function gradient(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array, keys: Int32Array): ShardGradient {
    checkShard(pixels, labels, pixelsPerSample, classes)
    checkKeys(labels, keys)
    upload.put(weights)
    // Training updates the non-trainable weights in the variables, even if it fails halfway.
    if (layout.trainableSize < layout.size) upload.forget()
    return inScope(() => {
      let evaluation!: ShardEvaluation
      const meanLoss = () => {
        const forward = training(pixelsOf(pixels, labels.length), vectorOf(labels), vectorOf(keys))
        evaluation = read(forward, labels)
        return tf.mean(forward.losses) as tf.Scalar
      }
      const { grads } = tf.variableGrads(meanLoss, variables.slice(0, trainable))
      const { lossSum, correct, count } = evaluation
      return { lossSum, correct, count, gradient: collect(weights, grads) }
    })
  }

  /** Parameters that the loss does not depend on have no gradient; their elements stay zero. */
  function collect(weights: Float32Array, gradients: Readonly<Record<string, tf.Tensor | undefined>>): Float32Array {
    const flat = new Float32Array(layout.size)
    for (const [index, { offset }] of layout.entries.entries()) {
      const variable = variables[index]!
      const tensor = index < trainable ? gradients[variable.name] : variable
      if (tensor) flat.set(tensor.dataSync(), offset)
    }
    for (let i = layout.trainableSize; i < layout.size; i++) flat[i] = flat[i]! - weights[i]!
    return flat
  }

  function evaluate(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): ShardEvaluation {
    checkShard(pixels, labels, pixelsPerSample, classes)
    upload.put(weights)
    return inScope(() => read(inference(pixelsOf(pixels, labels.length), vectorOf(labels)), labels))
  }

  return { name: 'eager', gradient, evaluate, dispose: () => {} }
}

function read({ losses, predictions }: Forward, labels: Uint8Array): ShardEvaluation {
  return summarizeShard(losses.dataSync(), predictions.dataSync(), labels)
}
