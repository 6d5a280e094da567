import { LockstepError } from '@lockstep/protocol'
import { nestedLayers } from '../random/nested-layers.ts'
import type { tf } from '../tfjs.ts'

/**
 * @throws LockstepError `model-constraint` for a layer with a weight constraint: lockstep's steps would not apply it.
 */
export function checkConstraints(model: tf.LayersModel): void {
  const isConstrained = ({ constraint }: tf.LayerVariable) => constraint !== null && constraint !== undefined
  // findLast, because models and wrappers have the weights of the layers inside them and come before these layers.
  const layer = nestedLayers(model).findLast(({ weights }) => weights.some(isConstrained))
  if (layer === undefined) return
  const { originalName, constraint } = layer.weights.find(isConstrained)!
  throw new LockstepError(
    'model-constraint',
    `layer ${layer.name} (${layer.getClassName()}) has a constraint, which training does not apply`,
    {
      kind: 'usage',
      expected: 'weights without constraints',
      received: `${constraint.getClassName()} on ${originalName}`,
      hint: 'Leave it out; a regularizer of the layer or --weight-decay keeps weights small as well.',
    },
  )
}
