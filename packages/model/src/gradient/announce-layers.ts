import { overrideCalls } from '../random/override-calls.ts'
import type { tf } from '../tfjs.ts'

/**
 * Says which layer begins, for as long as `compute` runs. Layers have a hook for this, but convolutions do not call it.
 */
export function announceLayers<T>(model: tf.LayersModel, enter: (origin: string) => void, compute: () => T): T {
  return overrideCalls(
    model.layers,
    (layer, call) => (inputs, options) => {
      enter(`layer ${layer.name}`)
      return call(inputs, options)
    },
    compute,
  )
}
