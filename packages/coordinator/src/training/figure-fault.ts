/** What is wrong with the figures of an answer to a task of `count` samples; null where they are plausible. */
export function findFigureFault(
  told: { readonly count: number; readonly correct: number },
  count: number,
): string | null {
  if (told.count !== count) return `${told.count} samples instead of ${count}`
  return told.correct > count ? `${told.correct} of ${count} samples correct` : null
}
