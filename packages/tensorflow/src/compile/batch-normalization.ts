import * as tf from '@tensorflow/tfjs'
import type { OperationAttribute, TfjsNodeBackend } from './tfjs-node-backend.ts'

/**
 * The kernels `BatchNormalizationTraining` and `BatchNormalizationTrainingGrad` (see @lockstep/model's
 * fused-batch-normalization.ts) as TensorFlow's FusedBatchNormV3 and FusedBatchNormGradV3.
 */
export const batchNormalizationKernels: readonly tf.KernelConfig[] = [
  { kernelName: 'BatchNormalizationTraining', backendName: 'tensorflow', kernelFunc: normalize },
  { kernelName: 'BatchNormalizationTrainingGrad', backendName: 'tensorflow', kernelFunc: differentiate },
]

type Arguments = Parameters<tf.KernelFunc>[0]

/**
 * TensorFlow returns the result, the batch's mean, its variance with divisor n − 1 and three values for the gradient.
 */
function normalize({ inputs, attrs, backend }: Arguments): tf.TensorInfo[] {
  const native = backend as TfjsNodeBackend
  const { x, scale, offset } = inputs as { x: tf.Tensor4D; scale: tf.Tensor1D; offset: tf.Tensor1D }
  // Empty moving statistics, because TensorFlow would mix them into those of the batch.
  const none = tf.tensor1d([], 'float32')
  const outputs = native.executeMultipleOutputs(
    'FusedBatchNormV3',
    [...attributesOf(native, attrs), { name: 'exponential_avg_factor', type: native.binding.TF_ATTR_FLOAT!, value: 1 }],
    [x, scale, offset, none, none],
    6,
  )
  none.dispose()
  return outputs
}

function differentiate({ inputs, attrs, backend }: Arguments): tf.TensorInfo[] {
  const native = backend as TfjsNodeBackend
  const { dy, x, scale, reserve1, reserve2, reserve3 } = inputs as Record<string, tf.Tensor>
  const outputs = native.executeMultipleOutputs(
    'FusedBatchNormGradV3',
    attributesOf(native, attrs),
    [dy!, x!, scale!, reserve1!, reserve2!, reserve3!],
    5,
  )
  for (const unused of outputs.slice(3)) unused.dispose()
  return outputs.slice(0, 3)
}

function attributesOf({ binding }: TfjsNodeBackend, attrs: Arguments['attrs']): OperationAttribute[] {
  const types = ['T', 'U'].map(name => ({ name, type: binding.TF_ATTR_TYPE!, value: binding.TF_FLOAT! }))
  return [
    ...types,
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT!, value: attrs!.epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING!, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL!, value: true },
  ]
}
