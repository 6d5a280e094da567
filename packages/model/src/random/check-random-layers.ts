import { LockstepError } from '@lockstep/protocol'
import type { tf } from '../tfjs.ts'
import { nestedLayers } from './nested-layers.ts'
import { type NoiseSettings, noises } from './noise.ts'

/**
 * Checks that all random layers of a model can draw from the keys of the samples, so that the result does not depend on
 * how samples are distributed over workers.
 *
 * @throws LockstepError `random-layer` for layers that cannot: recurrent and attention layers with a dropout of their
 * own, preprocessing layers whose names begin with Random, and dropout with one noise for all samples.
 */
export function checkRandomLayers(model: tf.LayersModel): void {
  for (const layer of nestedLayers(model)) {
    const fault = faultOf(layer)
    if (fault !== undefined) throw randomLayerError(layer, fault)
  }
}

export function randomLayerError(layer: tf.layers.Layer, fault: string): LockstepError {
  return new LockstepError('random-layer', `layer ${layer.name} (${layer.getClassName()}) ${fault}`, {
    kind: 'usage',
    expected: `randomness of each sample's own: ${Object.keys(noises).join(', ')}`,
    hint: 'Take it out of the model, or use a Dropout layer behind it instead.',
  })
}

function faultOf(layer: tf.layers.Layer): string | undefined {
  const name = layer.getClassName()
  if (name in noises) {
    const { noiseShape } = layer as unknown as NoiseSettings
    return isOfEachSample(noiseShape) ? undefined : 'draws one noise for all samples of a batch'
  }
  if (name.startsWith('Random')) return 'draws random numbers of its own'
  return hasDropout(layer.getConfig()) ? 'has a dropout of its own' : undefined
}

function isOfEachSample(noiseShape: NoiseSettings['noiseShape']): boolean {
  return (noiseShape?.[0] ?? null) === null
}

/** Whether a configuration or a cell in it has a dropout above 0. Layers inside it are checked separately. */
function hasDropout(config: unknown): boolean {
  if (typeof config !== 'object' || config === null) return false
  return Object.entries(config).some(([name, value]) => {
    if (typeof value === 'number') return /dropout$/i.test(name) && value > 0
    return name !== 'layer' && name !== 'layers' && hasDropout(value)
  })
}
