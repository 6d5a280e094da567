import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { compileFunction } from '../../src/compile/index.ts'
import { useTensorFlow } from '../../src/testing/use-tensorflow.ts'

beforeAll(useTensorFlow)

const keys = Int32Array.of(0, 1, -1, -(2 ** 31), 305_419_896)
const offsets = Int32Array.of(0, -1, 7)

// From a C program: x = key ^ offset, then x ^= x >> 16, x *= 0x7feb352d, x ^= x >> 15, x *= 0x846ca68b on uint32_t.
const bits = Int32Array.from(
  [
    [0, 1_734_927_650, -1_802_816_147],
    [1_753_872_457, -1_751_019_013, -1_478_265_768],
    [1_734_927_650, 0, 998_832_755],
    [-867_463_825, -1_926_663_535, 953_665_318],
    [-169_350_799, 404_318_611, -827_666_926],
  ].flat(),
)

function drawBits(keys: tf.Tensor, mask: number): tf.Tensor {
  const inputs = { keys, offsets: tf.tensor1d(offsets, 'int32') }
  return tf.engine().runKernel('KeyedBits', inputs, { mask })
}

test.each([-1, -256])('native TensorFlow hashes keys and offsets to the same bits as C, with the mask %d', mask => {
  const drawn = tf.tidy(() => {
    const tensor = drawBits(tf.tensor1d(keys, 'int32'), mask)
    return { shape: tensor.shape, dtype: tensor.dtype, values: tensor.dataSync() }
  })
  expect(drawn).toEqual({ shape: [5, 3], dtype: 'int32', values: bits.map(word => word & mask) })
})

test('a compiled function hashes the keys of each run to the same bits as C', async () => {
  const { run, dispose } = await compileFunction({
    trace: ([keys]) => [drawBits(keys!, -1)],
    inputs: [{ name: 'keys', shape: [5], dtype: 'int32' }],
    precision: 'float32',
    identity: '',
    sources: [],
  })
  expect(run([keys])).toEqual([bits])
  const turned = run([keys.toReversed()])[0] as Int32Array
  for (const row of [0, 1, 2, 3, 4]) {
    expect(turned.subarray(3 * row, 3 * row + 3)).toEqual(bits.subarray(12 - 3 * row, 15 - 3 * row))
  }
  dispose()
})
