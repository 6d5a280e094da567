import type { ImageSplit } from '../data-set.ts'

/** The number of samples of each class in a split. */
export function countPerClass(split: ImageSplit, classes: number): readonly number[] {
  const counts = new Array<number>(classes).fill(0)
  for (const label of split.labels) counts[label]!++
  return counts
}

/** The indices of the first `most` samples of each class, or of all if a class has fewer. */
export function firstOfEachClass(split: ImageSplit, classes: number, most: number): readonly (readonly number[])[] {
  const found = Array.from({ length: classes }, (): number[] => [])
  for (const [index, label] of split.labels.entries()) {
    if (found[label]!.length < most) found[label]!.push(index)
  }
  return found
}
