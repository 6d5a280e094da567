import * as tf from '@tensorflow/tfjs'

/** tfjs has this gradient for GreaterEqual only, so a ThresholdedReLU, x · (x > theta), cannot be trained. */
const comparisons = ['Equal', 'Greater', 'Less', 'LessEqual', 'NotEqual']

/** Registers zero gradients: comparisons are constant wherever they have a derivative. */
export function repairComparisons(): void {
  for (const kernelName of comparisons) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['a', 'b'],
      gradFunc: (_, saved) => {
        const [a, b] = saved as [tf.Tensor, tf.Tensor]
        return { a: () => tf.zeros(a.shape), b: () => tf.zeros(b.shape) }
      },
    })
  }
}
