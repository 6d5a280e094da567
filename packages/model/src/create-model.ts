import { isPreset } from '@lockstep/protocol'
import { buildModel } from './architectures/index.ts'
import { buildFromFile, type FileOptions } from './model-file/build.ts'
import type { tf } from './tfjs.ts'

/**
 * Builds the model that a run's configuration names: a preset, or a model file by its path. The seed determines its
 * fresh weights.
 *
 * @throws LockstepError for a model file, as `buildFromFile` does.
 */
export async function createModel(model: string, options: FileOptions): Promise<tf.LayersModel> {
  return isPreset(model) ? buildModel(model, options) : buildFromFile(model, options)
}
