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

/** How all trainable parameters of a model lie in one flat Float32Array, tensor after tensor, each in row-major order. */
export type ParameterLayout = {
  readonly entries: readonly LayoutEntry[]
  /** Number of elements of the flat vector. */
  readonly size: number
  /** SHA-256 in hex over the names, shapes and offsets: replicas with unlike hashes must not exchange vectors. */
  readonly hash: string
}

/**
 * Lays the trainable parameters of a model out in the model's own order.
 *
 * @throws LockstepError `layout-duplicate-name` if two parameters share a name, which would make names ambiguous.
 */
export function createLayout(model: tf.LayersModel): ParameterLayout {
  const entries: LayoutEntry[] = []
  let offset = 0
  // `name` carries a suffix that depends on what this process built before; `originalName` does not.
  for (const { originalName: name, shape } of model.trainableWeights) {
    if (entries.some(entry => entry.name === name)) throw duplicateName(name)
    const fixedShape = shape.map(dimension => dimension ?? 0)
    const size = fixedShape.reduce((product, dimension) => product * dimension, 1)
    entries.push({ name, shape: fixedShape, offset, size })
    offset += size
  }
  return { entries, size: offset, hash: hashEntries(entries) }
}

function hashEntries(entries: readonly LayoutEntry[]): string {
  const canonical = JSON.stringify(entries.map(({ name, shape, offset }) => [name, shape, offset]))
  return createHash('sha256').update(canonical).digest('hex')
}

function duplicateName(name: string): LockstepError {
  return new LockstepError('layout-duplicate-name', `two parameters of the model are named ${name}`, {
    hint: 'Give every layer a name of its own.',
  })
}
