import * as tf from '@tensorflow/tfjs'

/**
 * tfjs cuts the gradient of a tensor that is repeated into its repetitions and adds them one by one, two operations for each,
 * and knows no more than four dimensions. Here it is one sum, however often and along however many axes it is repeated.
 */
export function repairTile(): void {
  tf.registerGradient({
    kernelName: 'Tile',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attributes) => {
      const [x] = saved as [tf.Tensor]
      const { reps } = attributes as unknown as { readonly reps: readonly number[] }
      return { x: () => sumRepetitions(dy as tf.Tensor, x.shape, reps) }
    },
  })
}

/** Of [r · n, …] the sum [n, …] over the r repetitions of each axis: that of [r, n, …] over the axes of repetitions. */
function sumRepetitions(dy: tf.Tensor, shape: number[], reps: readonly number[]): tf.Tensor {
  const parted: number[] = []
  const repeated: number[] = []
  for (const [axis, length] of shape.entries()) {
    const times = reps[axis]!
    if (times !== 1) repeated.push(parted.push(times) - 1)
    // An axis of one has nothing to keep apart: the fewer there are, the more backends can sum over them.
    if (times === 1 || length !== 1) parted.push(length)
  }
  return tf.reshape(tf.sum(tf.reshape(dy, parted), repeated), shape)
}
