import type { EpochMetrics } from '../metrics.ts'

/** The epoch with the lowest validation loss, or without validation the lowest training loss; the first of equals. */
export function bestEpoch(epochs: readonly EpochMetrics[]): EpochMetrics | null {
  const loss = (epoch: EpochMetrics) => epoch.validationLoss ?? epoch.trainLoss
  return epochs.reduce<EpochMetrics | null>((best, next) => (best && loss(best) <= loss(next) ? best : next), null)
}

/**
 * The epochs with a validation loss, sorted by it, with the earlier of equals first. The first one is `bestEpoch`.
 * Empty without validation.
 */
export function byValidationLoss(epochs: readonly EpochMetrics[]): readonly EpochMetrics[] {
  const loss = (epoch: EpochMetrics) => epoch.validationLoss!
  return epochs.filter(epoch => epoch.validationLoss !== null).sort((a, b) => loss(a) - loss(b))
}

/** True when the best epoch lies `patience` epochs back; never when patience is 0. */
export function isOutOfPatience(epochs: readonly EpochMetrics[], patience: number): boolean {
  const best = bestEpoch(epochs)
  const last = epochs.at(-1)
  return patience > 0 && best !== null && last !== undefined && last.epoch - best.epoch >= patience
}
