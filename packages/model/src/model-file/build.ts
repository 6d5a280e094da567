import { basename } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import type { ArchitectureOptions } from '../architectures/architecture.ts'
import { tf } from '../tfjs.ts'
import { fromTopology, toTopology } from '../topology.ts'
import { checkModel } from './check.ts'
import { checkSameWeights, freezeLayers, trainedNames } from './freeze-layers.ts'
import { describeThrown, loadModelFunction } from './load.ts'
import { withSeededRandom } from './seeded-random.ts'
import { usageFault } from './usage-fault.ts'

export type FileOptions = ArchitectureOptions & {
  /** Height, width and channels of an image. */
  readonly inputShape: readonly [number, number, number]
}

/**
 * Builds the model of a file. It takes the model that the file's function returns and rebuilds it from its topology, as
 * workers do, with the same weights. The same seed gives the same weights, even for initializers without a seed.
 *
 * @throws LockstepError `model-file-failed` when the function throws, and the errors of `loadModelFunction`,
 * `checkModel`, `toTopology`, `fromTopology` and `checkSameWeights`.
 */
export async function buildFromFile(path: string, options: FileOptions): Promise<tf.LayersModel> {
  const model = await withSeededRandom(options.seed, async () => callFunction(path, options))
  checkModel(model, options)
  const trained = trainedNames(model)
  freezeLayers(model)
  const rebuilt = await rebuild(model)
  checkSameWeights(trained, model, rebuilt)
  rebuilt.setWeights(model.getWeights())
  model.dispose()
  return rebuilt
}

async function rebuild(model: tf.LayersModel): Promise<tf.LayersModel> {
  const topology = toTopology(model)
  try {
    return await fromTopology(topology)
  } catch (error) {
    throw usageFault(error)
  }
}

async function callFunction(path: string, { classes, seed, inputShape }: FileOptions): Promise<unknown> {
  const build = await loadModelFunction(path)
  try {
    const model = await build({ tf, classes, seed, inputShape: [...inputShape] })
    // Only build() makes tfjs check that the layers of a Sequential have unique names.
    if (model instanceof tf.Sequential) model.build()
    return model
  } catch (cause) {
    throw new LockstepError('model-file-failed', `--model: the function of ${basename(path)} failed`, {
      kind: 'usage',
      received: describeThrown(path, cause),
      cause,
    })
  }
}
