import { tf } from '../tfjs.ts'

/** A weight of a layer as tfjs-layers declares it; that its variable is in `val` is not in its types. */
type WeightSlot = { val: tf.Variable }

/** Tensors of given shapes out of one flat vector. */
export function unflatten(flat: tf.Tensor, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  const parts = tf.split(
    flat,
    shapes.map(shape => tf.util.sizeFromShape([...shape])),
  )
  return parts.map((part, index) => tf.reshape(part, [...shapes[index]!]))
}

/** One flat vector of tensors. */
export function flatten(tensors: readonly tf.Tensor[]): tf.Tensor {
  return tf.concat(tensors.map(tensor => tf.reshape(tensor, [-1])))
}

/**
 * Calls `compute` while the layers' weights are variables with the given values, and gives them back their own.
 * The values may be on another backend than the layers' own, which stay untouched.
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
