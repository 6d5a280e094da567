import { type DataSet, imageBytes, sampleKeys } from '@lockstep/data'
import { augmentBytes, usePlainJavaScript } from '@lockstep/model'
import { expect, test } from 'vitest'
import { augmentSamples } from '../../src/data/augment-samples.ts'

test('augmentSamples returns the first image of each class and its augmented versions from epoch 1 on', async () => {
  await usePlainJavaScript()
  const pixels = Uint8Array.from({ length: 3 * imageBytes }, (_, byte) => Math.imul(byte, 0x9e3779b1) >>> 24)
  const train = { count: 3, pixels, labels: Uint8Array.of(1, 1, 0) }
  const shape = [32, 32, 3] as const
  const classNames = ['cat', 'dog']
  const dataSet: DataSet = { name: 'cifar10', imageShape: shape, classNames, train, test: train, source: 'here' }

  /** Sample 2, the first of class 0, and sample 0, the first of class 1, each with its augmented versions. */
  const rows = [2, 0].flatMap(index => {
    const image = pixels.subarray(index * imageBytes, (index + 1) * imageBytes)
    const keysOf = (epoch: number) => sampleKeys({ seed: 7, epoch, indices: Uint32Array.of(index) })
    return [image, ...[1, 2].map(epoch => augmentBytes(image, shape, keysOf(epoch)))]
  })
  const augmented = await augmentSamples(dataSet, 2, 7)
  expect(augmented.train).toEqual({
    count: 6,
    pixels: Uint8Array.from(Buffer.concat(rows)),
    labels: Uint8Array.of(0, 0, 0, 1, 1, 1),
  })
})
