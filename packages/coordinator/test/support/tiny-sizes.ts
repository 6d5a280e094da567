import type { Sizes } from '@lockstep/protocol'
import { tinySize, tinyTrainable } from './tiny-engine.ts'

/** The sizes of the tiny plan under Adam. */
export const tinySizes: Sizes = {
  weights: tinySize,
  trainable: tinyTrainable,
  moments: 2,
  bytesPerSample: 3072,
  maxSamples: 250,
  gradientType: 'float32',
}
