import { nestedLayers } from '../random/nested-layers.ts'
import { tf } from '../tfjs.ts'

/** The fields in which recurrent layers keep their cells; tfjs-layers does not export these types. */
type Recurrent = {
  readonly cell?: tf.layers.Layer & { readonly cells?: readonly tf.layers.Layer[] }
}

/**
 * Adds the layers' regularization losses to every sample's loss. As in Keras, each counts once, however often its layer
 * is applied. tfjs itself counts them once per application and omits those of recurrent cells.
 */
export function addPenalty(model: tf.LayersModel, losses: tf.Tensor1D): tf.Tensor1D {
  const layers = nestedLayers(model).flatMap(layer => [layer, ...cellsOf(layer)])
  // A Set, because the losses of a wrapper are those of the layer inside it.
  const penalties = new Set(layers.flatMap(layer => layer.losses))
  return penalties.size === 0 ? losses : tf.add(losses, tf.addN([...penalties].map(penalty => penalty())))
}

function cellsOf(layer: tf.layers.Layer): readonly tf.layers.Layer[] {
  const { cell } = layer as unknown as Recurrent
  return cell === undefined ? [] : [cell, ...(cell.cells ?? [])]
}
