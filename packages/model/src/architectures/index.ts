import type { ModelName } from '@lockstep/protocol'
import type { tf } from '../tfjs.ts'
import type { ArchitectureOptions } from './architecture.ts'
import { buildReference } from './reference.ts'

const architectures: Readonly<Record<ModelName, (options: ArchitectureOptions) => tf.LayersModel>> = {
  reference: buildReference,
}

/** Builds an architecture with fresh weights: the same seed gives the same bits on every machine and backend. */
export function buildModel(name: ModelName, options: ArchitectureOptions): tf.LayersModel {
  return architectures[name](options)
}
