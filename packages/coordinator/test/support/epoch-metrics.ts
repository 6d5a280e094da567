import type { EpochMetrics } from '../../src/metrics.ts'

export function epochWith(epoch: number, changes: Partial<EpochMetrics> = {}): EpochMetrics {
  return {
    type: 'epoch',
    epoch,
    step: 4 * epoch,
    trainLoss: 1,
    trainAccuracy: 0.5,
    validationLoss: 1.25,
    validationAccuracy: 0.25,
    learningRate: 0.001,
    seconds: 2,
    imagesPerSecond: 100,
    workers: 2,
    ...changes,
  }
}
