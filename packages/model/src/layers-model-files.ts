import { LockstepError, reasonOf } from '@lockstep/protocol'
import { checkWeightsSize } from './flat-weights.ts'
import type { ParameterLayout } from './layout.ts'
import { toLittleEndianBytes } from './little-endian.ts'
import { tf } from './tfjs.ts'

/** The two files of a tfjs LayersModel, by file name. */
export type LayersModelFiles = {
  readonly 'model.json': string
  readonly 'weights.bin': Uint8Array
}

export type LayersModelMetadata = {
  /** Names of the outputs, in order. */
  readonly classNames?: readonly string[]
  /** Which weights of a run: its last ones, or those of its best epoch. */
  readonly weights?: 'last' | 'best'
  /** Number of optimizer steps that led to the weights. */
  readonly step?: number | undefined
}

/**
 * Writes the model with the given weights as a plain LayersModel, which `tf.loadLayersModel` of any tfjs reads. There
 * `model.getUserDefinedMetadata()` returns the metadata.
 *
 * @throws LockstepError `weights-size` if the vector does not have `layout.size` elements.
 */
export function toLayersModelFiles(
  model: tf.LayersModel,
  layout: ParameterLayout,
  weights: Float32Array,
  metadata: LayersModelMetadata = {},
): LayersModelFiles {
  checkWeightsSize(layout, weights)
  const entries = new Map(layout.entries.map(entry => [entry.name, entry]))
  const tensors = model.weights.map(variable => {
    const { name, shape, offset, size } = entries.get(variable.originalName)!
    return { name, shape: [...shape], values: weights.subarray(offset, offset + size) }
  })
  const json: tf.io.ModelJSON = {
    format: 'layers-model',
    generatedBy: `TensorFlow.js tfjs-layers v${tf.version_layers}`,
    convertedBy: null,
    modelTopology: model.toJSON(null, false) as object,
    weightsManifest: [
      { paths: ['weights.bin'], weights: tensors.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })) },
    ],
    ...(Object.keys(metadata).length > 0 && { userDefinedMetadata: metadata }),
  }
  return {
    'model.json': JSON.stringify(json),
    'weights.bin': Buffer.concat(tensors.map(({ values }) => toLittleEndianBytes(values))),
  }
}

/**
 * Loads a model from its files.
 *
 * @throws LockstepError `model-files` if they are not a LayersModel with exactly its weights.
 */
export async function fromLayersModelFiles(files: LayersModelFiles): Promise<tf.LayersModel> {
  try {
    const json = JSON.parse(files['model.json']) as tf.io.ModelJSON
    const weightSpecs = json.weightsManifest.flatMap(group => group.weights)
    checkWeightBytes(weightSpecs, files['weights.bin'])
    const weightData = Uint8Array.from(files['weights.bin']).buffer
    const artifacts = tf.io.getModelArtifactsForJSONSync(json, weightSpecs, weightData)
    return await tf.loadLayersModel(tf.io.fromMemory(artifacts))
  } catch (cause) {
    throw new LockstepError('model-files', 'the files are not a whole tfjs LayersModel', {
      received: reasonOf(cause),
      cause,
    })
  }
}

/** tfjs itself does not notice surplus bytes. */
function checkWeightBytes(specs: readonly tf.io.WeightsManifestEntry[], weights: Uint8Array): void {
  const bytes = specs.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape) * Float32Array.BYTES_PER_ELEMENT, 0)
  if (bytes === weights.byteLength) return
  throw new Error(`weights.bin has ${weights.byteLength} bytes where model.json has ${bytes}`)
}
