import { LockstepError } from '@lockstep/protocol'
import { tf } from '../tfjs.ts'

/** Maps inputs [n, …] to logits [n, classes] with the model's own variables. */
export type LogitsFunction = (inputs: tf.Tensor, options: { readonly training: boolean }) => tf.Tensor2D

/**
 * The model without its final softmax, for a numerically stable loss from logits. The model itself is not changed. The
 * softmax may be the activation of a final Dense layer, a Softmax layer or an Activation layer. If the last layer is
 * itself a model, the same applies to that model's last layer.
 *
 * @throws LockstepError `model-no-softmax` if the model ends otherwise.
 */
export function createLogits(model: tf.LayersModel): LogitsFunction {
  const output = outputOf(model)
  const last = output.sourceLayer
  // A layer that is applied several times has several inputs; take the one that leads to this output.
  const outputs = last.getInputAt(output.nodeIndex) as tf.SymbolicTensor
  const body = tf.model({ inputs: model.inputs, outputs, name: 'body' })
  const features = (inputs: tf.Tensor, training: boolean) => body.apply(inputs, { training }) as tf.Tensor2D
  if (last instanceof tf.LayersModel) {
    const logitsOf = createLogits(last)
    return (inputs, options) => logitsOf(features(inputs, options.training), options)
  }
  switch (endingOf(last)) {
    case 'softmax':
      return (inputs, { training }) => features(inputs, training)
    case 'dense-softmax':
      return (inputs, { training }) => applyLinear(last, features(inputs, training))
    case 'other':
      throw noSoftmax(last)
  }
}

function outputOf(model: tf.LayersModel): tf.SymbolicTensor {
  const [output, ...more] = model.outputs
  if (output === undefined || more.length > 0 || output.shape.length !== 2) {
    throw new LockstepError('model-no-softmax', 'the model does not end in one vector of class probabilities', {
      expected: 'one output of shape [batch, classes]',
      received: model.outputs.map(({ shape }) => `[${shape.map(size => size ?? 'batch').join(', ')}]`).join(' and '),
    })
  }
  return output
}

function endingOf(layer: tf.layers.Layer): 'softmax' | 'dense-softmax' | 'other' {
  const kind = layer.getClassName()
  // The output has rank 2, so a Softmax layer over any axis but the last would not yield probabilities per sample.
  if (kind === 'Softmax') return [-1, 1].includes(layer.getConfig().axis as number) ? 'softmax' : 'other'
  if (layer.getConfig().activation !== 'softmax') return 'other'
  if (kind === 'Activation') return 'softmax'
  return kind === 'Dense' ? 'dense-softmax' : 'other'
}

function applyLinear(dense: tf.layers.Layer, features: tf.Tensor2D): tf.Tensor2D {
  const [kernel, bias] = dense.weights.map(weight => weight.read())
  const product: tf.Tensor2D = tf.matMul(features, kernel as tf.Tensor2D)
  return bias === undefined ? product : tf.add(product, bias)
}

function noSoftmax(last: tf.layers.Layer): LockstepError {
  return new LockstepError('model-no-softmax', 'the model does not end in a softmax over the classes', {
    expected: 'a last Dense layer with softmax activation, or a Softmax or Activation layer',
    received: `${last.name} (${last.getClassName()})`,
    hint: "End the model with tf.layers.dense({ units: classes, activation: 'softmax' }).",
  })
}
