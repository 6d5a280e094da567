import * as tf from '@tensorflow/tfjs'

type Depthwise = { readonly depthwiseConstraint: tf.serialization.Serializable | null | undefined }
type Config = tf.serialization.ConfigDict

/** tfjs writes the regularizer of a DepthwiseConv2D as its constraint too, and then cannot read it back. */
export function repairDepthwiseConfiguration(): void {
  const prototype = Object.getPrototypeOf(tf.layers.depthwiseConv2d({ kernelSize: 1 })) as { getConfig: () => Config }
  const { getConfig } = prototype
  prototype.getConfig = function (this: Depthwise) {
    return { ...getConfig.call(this), depthwiseConstraint: describe(this.depthwiseConstraint) }
  }
}

/** Does the same as `serializeKerasObject` of tfjs-layers. */
function describe(part: tf.serialization.Serializable | null | undefined): Config | null {
  return part ? { className: part.getClassName(), config: part.getConfig() } : null
}
