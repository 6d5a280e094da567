import type { EpochMetrics } from '@lockstep/coordinator'

export type Metric = 'loss' | 'accuracy' | 'learning-rate'
export type Sample = 'train' | 'validation'

export type Point = {
  readonly epoch: number
  /** Loss in nats, accuracy in percent. */
  readonly value: number
}

/** One metric over the epochs, without epochs that lack it, such as those of a run without validation. */
export function curveOf(epochs: readonly EpochMetrics[], sample: Sample, metric: Metric): readonly Point[] {
  return epochs.flatMap(epoch => {
    const value = figureOf(epoch, sample, metric)
    return value === null ? [] : [{ epoch: epoch.epoch, value: metric === 'accuracy' ? value * 100 : value }]
  })
}

/** The first point with the lowest loss or the highest accuracy; null without points. */
export function bestPoint(points: readonly Point[], metric: Metric): Point | null {
  const isBetter = (a: Point, b: Point) => (metric === 'loss' ? a.value < b.value : a.value > b.value)
  return points.reduce<Point | null>((best, point) => (best === null || isBetter(point, best) ? point : best), null)
}

/** Whether one curve hides the other: equal values in all common epochs, as for runs that differ only in workers. */
export function coincide(a: readonly Point[], b: readonly Point[]): boolean {
  const values = new Map(a.map(point => [point.epoch, point.value]))
  const common = b.filter(point => values.has(point.epoch))
  return common.length > 0 && common.every(point => values.get(point.epoch) === point.value)
}

/** Formats a value for people: `0.8660`, `70.4 %`. */
export function formatValue(value: number, metric: Metric): string {
  if (metric === 'learning-rate') return value.toPrecision(3)
  return metric === 'loss' ? value.toFixed(4) : `${value.toFixed(1)} %`
}

function figureOf(epoch: EpochMetrics, sample: Sample, metric: Metric): number | null {
  if (metric === 'learning-rate') return epoch.learningRate
  if (sample === 'train') return metric === 'loss' ? epoch.trainLoss : epoch.trainAccuracy
  return metric === 'loss' ? epoch.validationLoss : epoch.validationAccuracy
}
