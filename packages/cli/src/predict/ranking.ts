import { formatPercent } from '../terminal/format.ts'
import { formatTable } from '../terminal/table.ts'

export type ImagePrediction = {
  /** The file, as given on the command line. */
  readonly image: string
  /** The most probable first. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[]
}

/** The `top` most probable classes; of equally probable ones the first. */
export function rankClasses(
  image: string,
  probabilities: Float32Array,
  classNames: readonly string[],
  top: number,
): ImagePrediction {
  const classes = classNames.map((name, index) => ({ name, probability: probabilities[index]! }))
  classes.sort((a, b) => b.probability - a.probability)
  return { image, classes: classes.slice(0, top) }
}

/** Formats a table with a row for each class; an image's name is in its first row. */
export function describePredictions(predictions: readonly ImagePrediction[]): string {
  const rows = predictions.flatMap(({ image, classes }) =>
    classes.map(({ name, probability }, rank) => [rank === 0 ? image : '', name, formatPercent(probability)]),
  )
  const columns = [{ title: 'image' }, { title: 'class' }, { title: 'probability', align: 'right' }] as const
  return `${formatTable(columns, rows).join('\n')}\n`
}
