import { LockstepError } from '@lockstep/protocol'
import { createLayout, type ParameterLayout } from '../layout.ts'
import type { tf } from '../tfjs.ts'
import { fromTopology } from '../topology.ts'
import type { Checkpoint } from './checkpoint.ts'

/**
 * Builds the model of a checkpoint from its topology, and the layout of the checkpoint's weights. The model itself has
 * fresh weights.
 *
 * @throws LockstepError `model-topology`, and `checkpoint-layout` if this version of lockstep lays out the weights
 * differently from the one that wrote the checkpoint.
 */
export async function restoreModel({ topology, layoutHash }: Pick<Checkpoint, 'topology' | 'layoutHash'>): Promise<{
  readonly model: tf.LayersModel
  readonly layout: ParameterLayout
}> {
  const model = await fromTopology(topology)
  const layout = createLayout(model)
  if (layout.hash === layoutHash) return { model, layout }
  throw new LockstepError('checkpoint-layout', 'the weights of the checkpoint do not fit its model', {
    expected: `parameter layout ${layoutHash}`,
    received: layout.hash,
    hint: 'Use the version of lockstep that wrote it.',
  })
}
