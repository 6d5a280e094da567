import { LockstepError } from '@lockstep/protocol'
import { createLayout } from '../layout.ts'
import { nestedLayers } from '../random/nested-layers.ts'
import type { tf } from '../tfjs.ts'

/** It trains two copies of the layer that it was given, but tfjs writes the given layer. */
type Bidirectional = tf.layers.Layer & { readonly forwardLayer: tf.layers.Layer; readonly layer: tf.layers.Layer }

/**
 * Sets `trainable` to false on each layer none of whose weights are trained, because tfjs does not write `trainable` of
 * nested models, of single weights or of a Bidirectional.
 */
export function freezeLayers(model: tf.LayersModel): void {
  const trained = new Set(model.trainableWeights)
  const layers = nestedLayers(model)
  for (const layer of layers) {
    if (isModel(layer) || layer.weights.length === 0) continue
    if (layer.weights.some(weight => trained.has(weight))) continue
    layer.trainable = false
    if ('forwardLayer' in layer) (layer as Bidirectional).layer.trainable = false
  }
  for (const nested of layers.filter(isModel)) nested.trainable = true
}

function isModel(layer: tf.layers.Layer): boolean {
  return 'layers' in layer
}

/**
 * Checks that a model rebuilt from its topology trains the same weights as the original (`trained` has their names) and
 * has its weights in the same order.
 *
 * @throws LockstepError `model-trainable`
 */
export function checkSameWeights(trained: readonly string[], original: tf.LayersModel, rebuilt: tf.LayersModel): void {
  const kept = trainedNames(rebuilt)
  if (kept.join() === trained.join() && createLayout(rebuilt).hash === createLayout(original).hash) return
  const differing = kept.filter(name => !trained.includes(name))
  throw new LockstepError('model-trainable', 'a layer is only partly frozen', {
    kind: 'usage',
    expected: 'layers whose weights are all trained or all frozen',
    received: `${differing.join(', ') || 'weights in another order'}, frozen apart from the rest of the layer`,
    hint: 'Set `trainable` of whole layers or of nested models.',
  })
}

export function trainedNames(model: tf.LayersModel): readonly string[] {
  return model.trainableWeights.map(({ originalName }) => originalName)
}
