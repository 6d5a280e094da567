import { type DataSet, firstOfEachClass, imageBytes, sampleKeys } from '@lockstep/data'
import { augmentBytes, usePlainJavaScript } from '@lockstep/model'

/**
 * Replaces the training images of a data set: the first image of each class, followed by its augmented versions from
 * the first epochs of a run with that seed and `--augment`.
 */
export async function augmentSamples(dataSet: DataSet, variants: number, seed: number): Promise<DataSet> {
  await usePlainJavaScript()
  const originals = firstOfEachClass(dataSet.train, dataSet.classNames.length, 1).flat()
  const rows = originals.map(index => {
    const image = dataSet.train.pixels.subarray(index * imageBytes, (index + 1) * imageBytes)
    return [image, ...variantsOf(image, index)]
  })

  function variantsOf(image: Uint8Array, index: number): readonly Uint8Array[] {
    return Array.from({ length: variants }, (_, variant) => {
      // Epochs count from 1.
      const keys = sampleKeys({ seed, epoch: variant + 1, indices: Uint32Array.of(index) })
      return augmentBytes(image, dataSet.imageShape, keys)
    })
  }

  const labels = originals.flatMap(index => Array<number>(variants + 1).fill(dataSet.train.labels[index]!))
  const pixels = Uint8Array.from(Buffer.concat(rows.flat()))
  return { ...dataSet, train: { count: labels.length, pixels, labels: Uint8Array.from(labels) } }
}
