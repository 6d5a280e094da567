import { repairComparisons } from './comparisons.ts'
import { repairDepthwiseConfiguration } from './depthwise-configuration.ts'
import { repairDilatedConvolutions } from './dilated-convolution.ts'
import { fuseBatchNormalization } from './fused-batch-normalization.ts'
import { repairLayerNormalization } from './layer-normalization.ts'
import { repairNormalization } from './normalization.ts'
import { keepRecurrentRegularizers } from './recurrent-regularizers.ts'
import { repairTile } from './tile.ts'

/**
 * Repairs tfjs 4.22 for all code in this thread that uses `@tensorflow/tfjs`:
 *
 * - adds missing gradients
 * - fixes layer options that do not work in training or do not survive writing and reading
 * - gives batch normalization its own gradient, and tile a gradient of few operations
 *
 * Results that were right before change by rounding at most.
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
