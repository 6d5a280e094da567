import { repairComparisons } from './comparisons.ts'
import { repairDepthwiseConfiguration } from './depthwise-configuration.ts'
import { repairDilatedConvolutions } from './dilated-convolution.ts'
import { fuseBatchNormalization } from './fused-batch-normalization.ts'
import { repairLayerNormalization } from './layer-normalization.ts'
import { repairNormalization } from './normalization.ts'
import { keepRecurrentRegularizers } from './recurrent-regularizers.ts'
import { repairTile } from './tile.ts'

/**
 * Gives tfjs 4.22 the gradients that it lacks, its layers those options that do not work in training or cannot be written
 * and read again, batch normalization a gradient of its own, and repetitions one of few operations. What worked before is
 * computed as before but for rounding. Everyone who uses `@tensorflow/tfjs` in this thread has them.
 */
export function repairTfjs(): void {
  repairComparisons()
  repairDepthwiseConfiguration()
  repairDilatedConvolutions()
  repairNormalization()
  keepRecurrentRegularizers()
  repairLayerNormalization()
  repairTile()
  fuseBatchNormalization()
}
