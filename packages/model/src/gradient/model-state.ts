import { tf } from '../tfjs.ts'

/** The non-trainable weights of a model, such as the moving statistics of batch normalization, as one flat vector. */
export type ModelState = {
  readonly size: number
  readonly read: () => Float32Array
  readonly write: (values: Float32Array) => void
}

export function createModelState(model: tf.LayersModel): ModelState {
  const weights = model.nonTrainableWeights.map(weight => ({ weight, shape: weight.shape as number[] }))
  const size = weights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape), 0)

  function read(): Float32Array {
    const values = new Float32Array(size)
    let offset = 0
    for (const { weight, shape } of weights) {
      values.set(weight.read().dataSync(), offset)
      offset += tf.util.sizeFromShape(shape)
    }
    return values
  }

  function write(values: Float32Array): void {
    let offset = 0
    for (const { weight, shape } of weights) {
      const end = offset + tf.util.sizeFromShape(shape)
      const value = tf.tensor(values.slice(offset, end), shape, 'float32')
      weight.write(value)
      value.dispose()
      offset = end
    }
  }

  return { size, read, write }
}
