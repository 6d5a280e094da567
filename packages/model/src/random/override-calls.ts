import type { tf } from '../tfjs.ts'

export type LayerCall = tf.layers.Layer['call']

/**
 * Runs `compute` while each layer's `call` is the one that `override` returns for the layer and its current call. If it
 * returns undefined, the layer keeps its call. Overrides nest: each restores the calls that it found.
 */
export function overrideCalls<T>(
  layers: readonly tf.layers.Layer[],
  override: (layer: tf.layers.Layer, call: LayerCall) => LayerCall | undefined,
  compute: () => T,
): T {
  const undo: (() => void)[] = []
  try {
    for (const layer of layers) {
      const own = Object.getOwnPropertyDescriptor(layer, 'call')
      const call = override(layer, layer.call.bind(layer))
      if (call === undefined) continue
      layer.call = call
      // Unless overridden, a layer's call is a method of its class, not an own property.
      undo.unshift(() => {
        if (own === undefined) Reflect.deleteProperty(layer, 'call')
        else Object.defineProperty(layer, 'call', own)
      })
    }
    return compute()
  } finally {
    for (const restore of undo) restore()
  }
}
