import * as tf from '@tensorflow/tfjs'

type Call<L> = (this: L, inputs: tf.Tensor | tf.Tensor[], options: Record<string, unknown>) => tf.Tensor | tf.Tensor[]

/** A class of layers, which tfjs-layers does not export. */
export type LayerClass<L> = { readonly prototype: { call: Call<L> } }

/** Replaces `call` in a class of layers with one input, for layers where `compute` returns a result. */
export function repairCall<L extends tf.layers.Layer>(
  { prototype }: LayerClass<L>,
  compute: (
    layer: L,
    input: tf.Tensor,
    callAsBefore: () => tf.Tensor,
    options: Readonly<Record<string, unknown>>,
  ) => tf.Tensor | undefined,
): void {
  const { call } = prototype
  prototype.call = function (inputs, options) {
    const before = () => call.call(this, inputs, options) as tf.Tensor
    const input = Array.isArray(inputs) ? inputs[0]! : inputs
    return tf.tidy(() => compute(this, input, before, options ?? {}) ?? before())
  }
}
