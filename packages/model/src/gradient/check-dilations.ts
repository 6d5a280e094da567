import { LockstepError } from '@lockstep/protocol'
import { nestedLayers } from '../random/nested-layers.ts'
import type { tf } from '../tfjs.ts'

/** Layers for which tfjs 4.22 accepts a dilation rate but ignores it. */
const ignoring: ReadonlySet<string> = new Set(['DepthwiseConv2D', 'Conv2DTranspose'])

/** The field of these layers. Not all of them include it in their configuration. */
type Dilated = { readonly dilationRate: number | readonly number[] }

/** @throws LockstepError `model-dilation` for a layer whose dilation rate tfjs would ignore. */
export function checkDilations(model: tf.LayersModel): void {
  for (const layer of nestedLayers(model)) {
    const kind = layer.getClassName()
    if (!ignoring.has(kind)) continue
    const rates = [(layer as unknown as Dilated).dilationRate].flat()
    if (rates.every(rate => rate === 1)) continue
    throw new LockstepError('model-dilation', `layer ${layer.name} (${kind}) has a dilation rate, which tfjs ignores`, {
      kind: 'usage',
      expected: 'a dilation rate of 1',
      received: rates.join(' x '),
      hint: 'Conv2D and SeparableConv2D can be dilated.',
    })
  }
}
