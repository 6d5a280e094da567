import { nestedLayers } from '../random/nested-layers.ts'
import { tf } from '../tfjs.ts'

/** Where recurrent layers keep their weights; tfjs-layers does not export these types. */
type Recurrent = {
  readonly cell?: tf.layers.Layer & { readonly cells?: readonly tf.layers.Layer[] }
}

/**
 * The regularization losses of the layers count as part of every sample's loss, each once however often its layer is
 * applied, as in Keras. tfjs itself counts them once for each application, and those of cells not at all.
 */
export function addPenalty(model: tf.LayersModel, losses: tf.Tensor1D): tf.Tensor1D {
  const layers = nestedLayers(model).flatMap(layer => [layer, ...cellsOf(layer)])
  // The losses of a wrapper are those of the layer inside.
  const penalties = new Set(layers.flatMap(layer => layer.losses))
  return penalties.size === 0 ? losses : tf.add(losses, tf.addN([...penalties].map(penalty => penalty())))
}

function cellsOf(layer: tf.layers.Layer): readonly tf.layers.Layer[] {
  const { cell } = layer as unknown as Recurrent
  return cell === undefined ? [] : [cell, ...(cell.cells ?? [])]
}
