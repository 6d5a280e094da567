import { LockstepError } from '@lockstep/protocol'

/** @throws LockstepError `shard-size` if a shard does not have one key for each label. */
export function checkKeys(labels: Uint8Array, keys: Int32Array): void {
  if (keys.length === labels.length) return
  throw new LockstepError('shard-size', 'the keys of a shard do not fit its labels', {
    expected: `${labels.length} keys`,
    received: `${keys.length}`,
  })
}

/**
 * Checks a shard before it reaches a tensor library, where an invalid label would give a loss of zero instead of an
 * error.
 *
 * @throws LockstepError `shard-empty`, `shard-size` or `shard-label`.
 */
export function checkShard(pixels: Uint8Array, labels: Uint8Array, pixelsPerSample: number, classes: number): void {
  if (labels.length === 0) {
    throw new LockstepError('shard-empty', 'a shard without samples has no mean gradient', {
      hint: 'Count an empty shard as zero samples without computing it.',
    })
  }
  if (pixels.length !== labels.length * pixelsPerSample) {
    throw new LockstepError('shard-size', 'the pixels of a shard do not fit its labels', {
      expected: `${labels.length * pixelsPerSample} bytes of pixels for ${labels.length} labels`,
      received: `${pixels.length} bytes`,
    })
  }
  const wrong = labels.findIndex(label => label >= classes)
  if (wrong >= 0) {
    throw new LockstepError('shard-label', `sample ${wrong} of a shard has a label that the model does not have`, {
      expected: `0 to ${classes - 1}`,
      received: `${labels[wrong]}`,
    })
  }
}
