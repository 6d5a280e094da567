import { createHash } from 'node:crypto'
import { LockstepError } from '@lockstep/protocol'
import type { tf } from './tfjs.ts'

/** Where one parameter tensor lies in the flat vector. */
export type LayoutEntry = {
  /** `layer/weight`, such as `conv1/kernel`. */
  readonly name: string
  readonly shape: readonly number[]
  /** Index of the first element. */
  readonly offset: number
  /** Number of elements. */
  readonly size: number
}

/**
 * The layout of all weights of a model in one flat Float32Array: tensor after tensor, each in row-major order, first
 * the trainable ones, then the others, such as the moving statistics of batch normalization.
 */
export type ParameterLayout = {
  readonly entries: readonly LayoutEntry[]
  /** Number of elements of the flat vector. */
  readonly size: number
  /** Number of trainable elements; they come first. */
  readonly trainableSize: number
  /** SHA-256 in hex over the above. Replicas with different hashes must not exchange vectors. */
  readonly hash: string
}

/**
 * Creates the layout of a model's weights, in the model's own order.
 *
 * @throws LockstepError `layout-duplicate-name` if two weights have the same name.
 */
export function createLayout(model: tf.LayersModel): ParameterLayout {
  const entries: LayoutEntry[] = []
  let offset = 0
  // `name` has a suffix that depends on the models this process built before; `originalName` does not.
  for (const { originalName: name, shape } of weightVariables(model)) {
    if (entries.some(entry => entry.name === name)) throw duplicateName(name)
    const fixedShape = shape.map(dimension => dimension ?? 0)
    const size = fixedShape.reduce((product, dimension) => product * dimension, 1)
    entries.push({ name, shape: fixedShape, offset, size })
    offset += size
  }
  const trainableSize = entries.slice(0, model.trainableWeights.length).reduce((sum, { size }) => sum + size, 0)
  return { entries, size: offset, trainableSize, hash: hashLayout(entries, trainableSize) }
}

/** The variables of a model in the order of its layout. */
export function weightVariables(model: tf.LayersModel): readonly tf.LayerVariable[] {
  return [...model.trainableWeights, ...model.nonTrainableWeights]
}

function hashLayout(entries: readonly LayoutEntry[], trainableSize: number): string {
  const canonical = JSON.stringify([trainableSize, entries.map(({ name, shape, offset }) => [name, shape, offset])])
  return createHash('sha256').update(canonical).digest('hex')
}

function duplicateName(name: string): LockstepError {
  return new LockstepError('layout-duplicate-name', `two weights of the model are named ${name}`, {
    hint: 'Give every layer a name of its own.',
  })
}
