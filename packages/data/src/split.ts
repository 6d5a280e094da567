import { createHash } from 'node:crypto'
import { LockstepError } from '@lockstep/protocol'
import { type DataSet, type ImageSplit, imageBytes } from './data-set.ts'

/** The first `n` samples of a split, as views of the same bytes. Throws `data-limit` if it has fewer. */
export function takeFirst(split: ImageSplit, n: number): ImageSplit {
  if (!Number.isInteger(n) || n < 1 || n > split.count) {
    throw new LockstepError('data-limit', `cannot take the first ${n} samples of ${split.count}`, {
      kind: 'usage',
      expected: `a limit from 1 to ${split.count}`,
      received: String(n),
      hint: 'Lower --limit-train or --limit-test, or leave it out to use every sample.',
    })
  }
  return { count: n, pixels: split.pixels.subarray(0, n * imageBytes), labels: split.labels.subarray(0, n) }
}

/**
 * The number of training and validation samples, as in Keras's `validation_split`: the first
 * ⌊count × (1 − validationSplit)⌋ samples are for training, the rest for validation. Throws `data-split` if none would
 * be left for training.
 */
export function splitTrainValidation(
  count: number,
  validationSplit: number,
): { readonly trainCount: number; readonly validationCount: number } {
  const trainCount = Math.floor(count * (1 - validationSplit))
  if (trainCount < 1) {
    throw new LockstepError('data-split', `a validation split of ${validationSplit} leaves no sample to train on`, {
      kind: 'usage',
      expected: 'at least 1 training sample',
      received: `${count} samples, all of which would validate`,
      hint: 'Lower --validation-split or raise --limit-train.',
    })
  }
  return { trainCount, validationCount: count - trainCount }
}

/** Contiguous samples: `pixels` [count, 32, 32, 3] and `labels` [count]. */
export type GatheredSamples = { readonly pixels: Uint8Array; readonly labels: Uint8Array }

/** Copies the samples at `indices`, in that order, to the start of `into` or of new memory. Returns views of them. */
export function gather(split: ImageSplit, indices: Uint32Array, into = roomFor(indices.length)): GatheredSamples {
  const pixels = into.pixels.subarray(0, indices.length * imageBytes)
  const labels = into.labels.subarray(0, indices.length)
  for (let position = 0; position < indices.length; position++) {
    const index = indices[position]!
    if (index >= split.count) throw new RangeError(`sample ${index} of a split of ${split.count}`)
    pixels.set(split.pixels.subarray(index * imageBytes, (index + 1) * imageBytes), position * imageBytes)
    labels[position] = split.labels[index]!
  }
  return { pixels, labels }
}

/** Allocates memory for this many samples. */
export function roomFor(samples: number): GatheredSamples {
  return { pixels: new Uint8Array(samples * imageBytes), labels: new Uint8Array(samples) }
}

/** SHA-256 in hex over name, sizes, pixels and labels of both splits. A run resumes only on the data it began with. */
export function dataSetSha256(dataSet: DataSet): string {
  const hash = createHash('sha256')
  hash.update(`${dataSet.name} ${dataSet.train.count} ${dataSet.test.count}\n`)
  for (const split of [dataSet.train, dataSet.test]) hash.update(split.pixels).update(split.labels)
  return hash.digest('hex')
}
