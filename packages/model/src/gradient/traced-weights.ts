import { tf } from '../tfjs.ts'

/** The field in which a layer's weight holds its variable; tfjs-layers does not declare it as public. */
type WeightSlot = { val: tf.Variable }

/** Splits a flat vector into tensors of the given shapes. */
export function unflatten(flat: tf.Tensor, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  const parts = tf.split(
    flat,
    shapes.map(shape => tf.util.sizeFromShape([...shape])),
  )
  return parts.map((part, index) => tf.reshape(part, [...shapes[index]!]))
}

/** Concatenates tensors into one flat vector. */
export function flatten(tensors: readonly tf.Tensor[]): tf.Tensor {
  return tf.concat(tensors.map(tensor => tf.reshape(tensor, [-1])))
}

/**
 * Runs `compute` while the layers' weights are variables with the given values, then restores the layers' own
 * variables. The values may be on another backend than the layers' own, which are not touched.
 */
export function withWeights<T>(
  weights: readonly tf.LayerVariable[],
  values: readonly tf.Tensor[],
  compute: (variables: tf.Variable[]) => T,
): T {
  const slots = weights as unknown as WeightSlot[]
  const own = slots.map(slot => slot.val)
  const variables = values.map(value => tf.variable(value))
  for (const [index, slot] of slots.entries()) slot.val = variables[index]!
  try {
    return compute(variables)
  } finally {
    for (const [index, slot] of slots.entries()) slot.val = own[index]!
    for (const variable of variables) variable.dispose()
  }
}
