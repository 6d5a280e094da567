import { overrideCalls } from '../random/override-calls.ts'
import type { tf } from '../tfjs.ts'

/**
 * Runs `compute` and calls `enter` whenever a layer begins. tfjs layers have a hook for this, but convolutions do not
 * call it.
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
