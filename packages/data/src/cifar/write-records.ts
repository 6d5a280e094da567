import { type ImageSplit, imageBytes } from '../data-set.ts'
import { type CifarFormat, recordBytes } from './format.ts'

/**
 * Encodes samples of a split as records: label bytes, then the red, green and blue plane. In formats with a coarse
 * label before the fine one, the coarse label is the fine one divided by five.
 */
export function encodeRecords(format: CifarFormat, split: ImageSplit, first: number, count: number): Uint8Array {
  const records = new Uint8Array(count * recordBytes(format))
  let offset = 0
  for (let sample = first; sample < first + count; sample++) {
    const label = split.labels[sample]!
    if (format.labels.length === 2) records[offset++] = Math.floor(label / 5)
    records[offset++] = label
    for (let channel = 0; channel < 3; channel++) {
      for (let byte = channel; byte < imageBytes; byte += 3)
        records[offset++] = split.pixels[sample * imageBytes + byte]!
    }
  }
  return records
}
