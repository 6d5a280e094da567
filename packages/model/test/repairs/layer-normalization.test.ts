import { describe, expect, test } from 'vitest'
import { tf } from '../../src/tfjs.ts'
import { createRandom } from '../fixtures/random.ts'
import { named } from '../fixtures/small-models.ts'

const epsilon = 0.001
const shape = [2, 3, 4, 5] as const

describe('LayerNormalization follows its formula', () => {
  const options = named([
    { axis: -1 },
    { axis: 1 },
    { axis: [1, 2] },
    { axis: [1, 2, 3] },
    { axis: -1, scale: false },
    { axis: -1, center: false },
  ])
  test.each(options)('with %s', async (_, option) => {
    await tf.setBackend('cpu')
    const layer = tf.layers.layerNormalization({ ...option, epsilon })
    const random = createRandom(9)
    const x = Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => 4 * random() - 1)
    const input = tf.tensor(x, [...shape])
    layer.apply(input)
    layer.setWeights(layer.getWeights().map((weight, i) => tf.randomUniform(weight.shape, 0.5, 2, 'float32', 3 + i)))
    const axes = [option.axis].flat().map(axis => (axis + shape.length) % shape.length)
    const expected = normalize(x, axes, weightsOf(layer, option))
    const received = (layer.apply(input) as tf.Tensor).dataSync()
    expect(Math.max(...expected.map((value, i) => Math.abs(value - received[i]!)))).toBeLessThan(1e-5)
  })
})

describe('the gradient of LayerNormalization takes as many operations for a large image as for a small one', () => {
  test.each(named([{}, { axis: 1 }, { axis: [1, 2, 3] }]))('with %s', async (_, option) => {
    await tf.setBackend('cpu')
    const small = await kernelsOf(4, option)
    expect(await kernelsOf(30, option)).toBe(small)
    // Some 20 operations forward, and for each of them its gradient and the sums over what it has broadcast.
    expect(small).toBeLessThan(100)
  })
})

type Weights = { readonly gamma: Float32Array | null; readonly beta: Float32Array | null }

function weightsOf(
  layer: tf.layers.Layer,
  { scale = true, center = true }: { scale?: boolean; center?: boolean },
): Weights {
  const values = layer.getWeights().map(weight => weight.dataSync() as Float32Array)
  return { gamma: scale ? values.shift()! : null, beta: center ? values.shift()! : null }
}

/** Group by group, in double precision: elements that differ only along the axes share mean and variance. */
function normalize(x: Float32Array, axes: readonly number[], { gamma, beta }: Weights): number[] {
  const groups = groupBy(x.keys(), i => axisPlace(i, axis => !axes.includes(axis)))
  const result: number[] = []
  for (const members of groups.values()) {
    const values = members.map(i => x[i]!)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    for (const i of members) {
      const weight = axisPlace(i, axis => axes.includes(axis))
      result[i] = ((x[i]! - mean) / Math.sqrt(variance + epsilon)) * (gamma?.[weight] ?? 1) + (beta?.[weight] ?? 0)
    }
  }
  return result
}

function groupBy(indices: Iterable<number>, keyOf: (i: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const i of indices) groups.set(keyOf(i), [...(groups.get(keyOf(i)) ?? []), i])
  return groups
}

/** The flat index of element i in a tensor that has only the axes for which `counts` is true. */
function axisPlace(i: number, counts: (axis: number) => boolean): number {
  const index = tf.util.indexToLoc(i, shape.length, tf.util.computeStrides([...shape]))
  return index.reduce((place, position, axis) => (counts(axis) ? place * shape[axis]! + position : place), 0)
}

/** The number of operations of forward and backward pass over two images of this size. */
async function kernelsOf(size: number, option: Parameters<typeof tf.layers.layerNormalization>[0]): Promise<number> {
  const layer = tf.layers.layerNormalization(option)
  const input = tf.randomUniform([2, size, size, 3], 0, 1, 'float32', 1)
  layer.apply(input)
  const loss = () => tf.sum(tf.square(layer.apply(input, { training: true }) as tf.Tensor)) as tf.Scalar
  const { kernels } = await tf.profile(() => {
    tf.tidy(() => Object.keys(tf.variableGrads(loss).grads).length)
    return []
  })
  return kernels.length
}
