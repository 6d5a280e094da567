import type { ModelFileOptions } from '@lockstep/model'
import * as tf from '@tensorflow/tfjs'

/** One wide convolution, its means over quarters of the image, and a softmax: few layers, quick to train. */
export default function build({ classes, inputShape }: ModelFileOptions): tf.LayersModel {
  const model = tf.sequential({ name: 'wide-net' })
  model.add(tf.layers.rescaling({ name: 'rescaling', scale: 1 / 255, inputShape }))
  model.add(tf.layers.conv2d({ name: 'wide', filters: 96, kernelSize: 5, strides: 2, activation: 'relu' }))
  model.add(tf.layers.batchNormalization({ name: 'norm' }))
  model.add(tf.layers.averagePooling2d({ name: 'quarters', poolSize: 7 }))
  model.add(tf.layers.flatten({ name: 'flatten' }))
  model.add(tf.layers.dropout({ name: 'dropout', rate: 0.1 }))
  model.add(tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax' }))
  return model
}
