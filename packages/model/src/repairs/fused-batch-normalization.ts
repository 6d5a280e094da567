import * as tf from '@tensorflow/tfjs'
import { type LayerClass, repairCall } from './layer-class.ts'

type Weight = { readonly read: () => tf.Tensor; readonly write: (value: tf.Tensor) => void }

type BatchNormalization = tf.layers.Layer & {
  readonly axis: number
  readonly epsilon: number
  readonly momentum: number
  readonly gamma: Weight | null | undefined
  readonly beta: Weight | null | undefined
  readonly movingMean: Weight
  readonly movingVariance: Weight
}

const kernelName = 'BatchNormalizationTraining'

/**
 * Makes BatchNormalization (Ioffe and Szegedy 2015) train with one operation forward and one backward, instead of the
 * thirty of tfjs, on backends that have the kernels. `BatchNormalizationTraining` takes x [n, h, w, c], scale [c] and
 * offset [c]. It gives the result, the mean of the batch, its variance with divisor n − 1 and three tensors that
 * `BatchNormalizationTrainingGrad` needs.
 */
export function fuseBatchNormalization(): void {
  registerGradient()
  const layerClass = tf.layers.batchNormalization().constructor as LayerClass<BatchNormalization>
  repairCall(layerClass, (layer, input, _callAsBefore, { training }) => {
    const overLast = layer.axis === -1 || layer.axis === input.rank - 1
    if (!training || !overLast || tf.getKernel(kernelName, tf.getBackend()) === undefined) return undefined
    return normalize(layer, input)
  })
}

function normalize(layer: BatchNormalization, input: tf.Tensor): tf.Tensor {
  const channels = input.shape.at(-1)!
  const rows = input.size / channels
  const x = input.rank === 4 ? input : tf.reshape(input, [rows, 1, 1, channels])
  const scale = layer.gamma?.read() ?? tf.ones([channels])
  const offset = layer.beta?.read() ?? tf.zeros([channels])
  const outputs = tf.engine().runKernel(kernelName, { x, scale, offset }, { epsilon: layer.epsilon }) as tf.Tensor[]
  const [result, mean, variance] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor]
  move(layer.movingMean, mean, layer.momentum)
  // Unlike Keras, tfjs keeps the variance with divisor n.
  move(layer.movingVariance, tf.mul(variance, (rows - 1) / rows), layer.momentum)
  return tf.reshape(result, input.shape)
}

function move(moving: Weight, value: tf.Tensor, momentum: number): void {
  const before = moving.read()
  moving.write(tf.sub(before, tf.mul(tf.sub(before, value), 1 - momentum)))
}

function registerGradient(): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x', 'scale'],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dys, saved, attributes) => {
      const dy = (dys as tf.Tensor[])[0]!
      const [x, scale, reserve1, reserve2, reserve3] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
      const inputs = { dy, x, scale, reserve1, reserve2, reserve3 }
      const gradients = tf.engine().runKernel(`${kernelName}Grad`, inputs, attributes as never) as tf.Tensor[]
      return { x: () => gradients[0]!, scale: () => gradients[1]!, offset: () => gradients[2]! }
    },
  })
}
