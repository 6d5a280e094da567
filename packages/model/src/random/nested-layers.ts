import type { tf } from '../tfjs.ts'

/** The fields in which models and wrapper layers keep inner layers; tfjs-layers does not export all of these types. */
type Container = {
  readonly layers?: readonly tf.layers.Layer[]
  readonly layer?: tf.layers.Layer
  readonly forwardLayer?: tf.layers.Layer
  readonly backwardLayer?: tf.layers.Layer
}

/** All layers of a model, including those of nested models and inside wrappers, each once and in the model's order. */
export function nestedLayers(model: tf.LayersModel): readonly tf.layers.Layer[] {
  const found = new Set<tf.layers.Layer>()
  const visit = (layer: tf.layers.Layer): void => {
    if (found.has(layer)) return
    found.add(layer)
    inside(layer).forEach(visit)
  }
  model.layers.forEach(visit)
  return [...found]
}

function inside(layer: tf.layers.Layer): readonly tf.layers.Layer[] {
  const { layers = [], layer: wrapped, forwardLayer, backwardLayer } = layer as unknown as Container
  return [...layers, ...[wrapped, forwardLayer, backwardLayer].filter(part => part !== undefined)]
}
