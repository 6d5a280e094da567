import { LockstepError } from '@lockstep/protocol'
import { nestedLayers } from '../random/nested-layers.ts'
import type { tf } from '../tfjs.ts'

type Regularized = { readonly activityRegularizer?: tf.serialization.Serializable | null }

/** @throws LockstepError `model-regularizer` for a layer with an activity regularizer, which tfjs does not compute. */
export function checkRegularizers(model: tf.LayersModel): void {
  // tfjs itself refuses them, but not inside a wrapper.
  const layer = nestedLayers(model).find(each => (each as Regularized).activityRegularizer)
  if (layer === undefined) return
  const what = `layer ${layer.name} (${layer.getClassName()})`
  throw new LockstepError(
    'model-regularizer',
    `${what} has a regularizer of its activity, which tfjs does not compute`,
    {
      kind: 'usage',
      hint: 'Regularizers of weights, such as kernelRegularizer, can be used.',
    },
  )
}
