import * as tf from '@tensorflow/tfjs'

/** The reference net of 258,762 parameters with seeded weights. */
export function buildReferenceNet(): tf.Sequential {
  let seed = 0
  const kernelInitializer = () => tf.initializers.glorotUniform({ seed: ++seed })
  const conv = (filters: number, inputShape?: [number, number, number]) =>
    tf.layers.conv2d({
      filters,
      kernelSize: 3,
      activation: 'relu',
      kernelInitializer: kernelInitializer(),
      ...(inputShape && { inputShape }),
    })
  const dense = (units: number, activation?: 'relu') =>
    tf.layers.dense({ units, kernelInitializer: kernelInitializer(), ...(activation && { activation }) })
  const pool = () => tf.layers.maxPooling2d({ poolSize: 2 })
  return tf.sequential({
    layers: [
      ...[conv(32, [32, 32, 3]), pool(), conv(64), pool(), conv(128), pool()],
      ...[tf.layers.flatten(), dense(256, 'relu'), dense(128, 'relu'), dense(10)],
    ],
  })
}

/** `count` numbers between 0 and 1, the same in every call. */
export function pseudoRandom(count: number): Float32Array {
  let state = 1
  return Float32Array.from({ length: count }, () => {
    // The linear congruential generator of Numerical Recipes; good enough to fill tensors.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  })
}
