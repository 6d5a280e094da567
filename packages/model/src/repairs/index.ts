import { repairComparisons } from './comparisons.ts'
import { repairDilatedConvolutions } from './dilated-convolution.ts'
import { repairNormalization } from './normalization.ts'

/**
 * Gives tfjs 4.22 the gradients that it lacks and its layers those options that do not work in training. What worked
 * before is computed as before. Everyone who uses `@tensorflow/tfjs` in this thread has them.
 */
export function repairTfjs(): void {
  repairComparisons()
  repairDilatedConvolutions()
  repairNormalization()
}
