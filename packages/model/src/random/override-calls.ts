import type { tf } from '../tfjs.ts'

export type LayerCall = tf.layers.Layer['call']

/**
 * Runs `compute` while layers call what `override` makes of them and of what they called before; undefined leaves a layer
 * alone. Overrides nest: each is taken back to what it found.
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
      // A layer's call is a method of its class unless it is overridden.
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
