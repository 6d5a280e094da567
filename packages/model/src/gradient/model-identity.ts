import { createHash } from 'node:crypto'
import type { ParameterLayout } from '../layout.ts'
import { nestedLayers } from '../random/nested-layers.ts'
import type { tf } from '../tfjs.ts'

/** SHA-256 in hex over a model's topology, the layout of its parameters and the source code of its layer classes. */
export function modelIdentity(model: tf.LayersModel, layout: ParameterLayout): string {
  const topology = model.toJSON(null, false)
  const code = nestedLayers(model).map(layer => String(layer.constructor))
  return createHash('sha256')
    .update(JSON.stringify([topology, layout.hash, code]))
    .digest('hex')
}
