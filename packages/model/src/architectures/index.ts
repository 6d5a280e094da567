import type { PresetName } from '@lockstep/protocol'
import type { tf } from '../tfjs.ts'
import type { ArchitectureOptions } from './architecture.ts'
import { buildMobileNet } from './mobilenet.ts'
import { buildReference } from './reference.ts'
import { buildResNet20 } from './resnet20.ts'
import { buildVggBn } from './vgg-bn.ts'

const architectures: Readonly<Record<PresetName, (options: ArchitectureOptions) => tf.LayersModel>> = {
  reference: buildReference,
  'vgg-bn': buildVggBn,
  resnet20: buildResNet20,
  mobilenet: buildMobileNet,
}

/** Builds a preset with fresh weights. The same seed gives the same bits on every machine and backend. */
export function buildModel(name: PresetName, options: ArchitectureOptions): tf.LayersModel {
  return architectures[name](options)
}
