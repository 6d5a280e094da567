import * as tf from '@tensorflow/tfjs'

/**
 * tfjs slices the gradient of tile into the repetitions and adds them one by one, with two operations for each, and
 * supports at most four dimensions. Here it is one sum for any number of repetitions and axes.
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

/** Sums [r · n, …] over the r repetitions of each axis to [n, …]: reshapes to [r, n, …] and sums over the r axes. */
function sumRepetitions(dy: tf.Tensor, shape: number[], reps: readonly number[]): tf.Tensor {
  const parted: number[] = []
  const repeated: number[] = []
  for (const [axis, length] of shape.entries()) {
    const times = reps[axis]!
    if (times !== 1) repeated.push(parted.push(times) - 1)
    // A repeated axis of length 1 gets no axis of its own: backends limit the number of axes for a sum.
    if (times === 1 || length !== 1) parted.push(length)
  }
  return tf.reshape(tf.sum(tf.reshape(dy, parted), repeated), shape)
}
