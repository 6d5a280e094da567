import type { tf } from '../tfjs.ts'

/**
 * Says which layer begins, for as long as `compute` runs. Layers have a hook for this, but convolutions do not call it.
 */
export function announceLayers<T>(model: tf.LayersModel, enter: (origin: string) => void, compute: () => T): T {
  for (const layer of model.layers) {
    const { call } = layer
    layer.call = (inputs, options) => {
      enter(`layer ${layer.name}`)
      return call.call(layer, inputs, options)
    }
  }
  try {
    return compute()
  } finally {
    // What was set above hides the method of the layer's class.
    for (const layer of model.layers) Reflect.deleteProperty(layer, 'call')
  }
}
