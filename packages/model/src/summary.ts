import type { tf } from './tfjs.ts'

type Row = readonly [layer: string, outputShape: string, parameters: string]

const titles: Row = ['Layer (type)', 'Output Shape', 'Param #']
/** Keras's column widths on a terminal of 80 columns; longer cells widen their column. */
const minimumWidths = [31, 22, 13] as const
const bytesPerParameter = 4

/** Formats a model as a table like Keras's `summary`: layers, output shapes, parameter counts and totals. */
export function summarize(model: tf.LayersModel): string {
  const rows = model.layers.map(describeLayer)
  const widths = minimumWidths.map((minimum, column) =>
    Math.max(minimum, ...[titles, ...rows].map(row => row[column]!.length)),
  )
  const rule = (line: string, left: string, middle: string, right: string) =>
    left + widths.map(width => line.repeat(width + 2)).join(middle) + right
  const cells = ([layer, outputShape, parameters]: Row, bar: string) =>
    [
      '',
      ` ${layer.padEnd(widths[0]!)} `,
      ` ${outputShape.padEnd(widths[1]!)} `,
      ` ${parameters.padStart(widths[2]!)} `,
      '',
    ].join(bar)

  return [
    `Model: "${model.name}"`,
    rule('━', '┏', '┳', '┓'),
    cells(titles, '┃'),
    rule('━', '┡', '╇', '┩'),
    rows.map(row => cells(row, '│')).join(`\n${rule('─', '├', '┼', '┤')}\n`),
    rule('─', '└', '┴', '┘'),
    ...describeTotals(model),
  ].join('\n')
}

function describeLayer(layer: tf.layers.Layer): Row {
  return [`${layer.name} (${layer.getClassName()})`, describeShape(layer), formatCount(layer.countParams())]
}

/** A layer that is applied several times may have outputs of different shapes. */
function describeShape(layer: tf.layers.Layer): string {
  const shapes = new Set(layer.inboundNodes.map(({ outputShapes }) => JSON.stringify(outputShapes)))
  if (shapes.size > 1) return 'multiple'
  const shape = layer.outputShape as readonly (number | null)[]
  return `(${shape.map(size => size ?? 'None').join(', ')})`
}

function describeTotals(model: tf.LayersModel): string[] {
  const total = model.countParams()
  const trainable = model.trainableWeights.reduce(
    (sum, { shape }) => sum + shape.reduce<number>((product, size) => product * (size ?? 1), 1),
    0,
  )
  const line = (label: string, count: number) =>
    ` ${label} params: ${formatCount(count)} (${formatBytes(count * bytesPerParameter)})`
  return [line('Total', total), line('Trainable', trainable), line('Non-trainable', total - trainable)]
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(2)} ${units[power]}`
}
