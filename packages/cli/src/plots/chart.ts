import type { TopLevelSpec } from 'vega-lite'
import { epochRange, epochTicks, type Range, spreadLabels, valueRange } from './axes.ts'
import { bestPoint, coincide, formatValue, type Metric, type Point } from './curves.ts'
import { chartConfig, curveStyle, ink, plotHeight, plotWidth } from './theme.ts'

export type Curve = {
  readonly name: string
  readonly points: readonly Point[]
}

/** A chart of a metric over the epochs, with one or more curves. Every curve has at least one point. */
export type Chart = {
  readonly title: string
  readonly subtitle: string
  readonly metric: Metric
  readonly curves: readonly Curve[]
  /** The curve whose best epoch is marked and labelled, `all` to mark that of each without labels, or null for none. */
  readonly best: string | 'all' | null
  /** Where the names of curves are: beside their ends, in a legend below, or nowhere, for a single curve. */
  readonly names: 'beside' | 'below' | 'none'
}

type Layer = Record<string, unknown>

const valueTitles = {
  loss: 'cross-entropy loss (nats)',
  accuracy: 'accuracy (%)',
  'learning-rate': 'learning rate',
} as const

/** Curves that coincide alternate in stripes of this many pixels. */
const stripeLength = 10

/** With more epochs than this, points would hide the curve. */
const mostPoints = 40

const legendRow = 20
const labelHeight = 17

/** Creates the Vega-Lite specification of a chart. */
export function describeChart(chart: Chart): TopLevelSpec {
  const points = chart.curves.flatMap(curve => curve.points)
  const range = valueRange(
    points.map(point => point.value),
    chart.metric,
  )
  const legendHeight = chart.names === 'below' ? chart.curves.length * legendRow + 16 : 0
  const spec = {
    width: plotWidth,
    height: plotHeight,
    autosize: 'none',
    padding: { left: 74, top: 66, right: chart.names === 'beside' ? 96 : 28, bottom: 52 + legendHeight },
    background: 'white',
    title: { text: chart.title, subtitle: chart.subtitle },
    config: chartConfig,
    layer: [
      curveLayer(chart, range),
      ...pointLayers(chart),
      ...bestLayers(chart, range),
      ...(chart.names === 'beside' ? [nameLayer(chart, range)] : []),
    ],
  }
  return spec as unknown as TopLevelSpec
}

function curveLayer(chart: Chart, range: Range): Layer {
  const lastEpoch = lastEpochOf(chart)
  const names = chart.curves.map(curve => curve.name)
  const legend =
    chart.names === 'below' ? { orient: 'bottom', direction: 'vertical', columns: 1, title: null, labelLimit: 0 } : null
  return {
    data: {
      values: chart.curves.flatMap(({ name, points }) => points.map(point => ({ curve: name, ...point }))),
    },
    mark: { type: 'line', strokeWidth: 2.25, strokeJoin: 'round' },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        scale: { domain: epochRange(lastEpoch), nice: false, zero: false, padding: 10 },
        axis: { title: 'epoch', values: epochTicks(lastEpoch), format: 'd' },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { domain: range, nice: false, zero: false },
        axis: { title: valueTitles[chart.metric], tickCount: 6, ...(range[1] >= 1000 ? { format: '~s' } : {}) },
      },
      color: {
        field: 'curve',
        type: 'nominal',
        scale: { domain: names, range: names.map((_, index) => curveStyle(index).color) },
        legend,
      },
      strokeDash: {
        field: 'curve',
        type: 'nominal',
        scale: { domain: names, range: names.map((_, index) => dashOf(chart, index)) },
        legend,
      },
    },
  }
}

/** A point for each epoch, if there are few. Without points a single epoch would be invisible. */
function pointLayers(chart: Chart): Layer[] {
  return chart.curves.flatMap((curve, index) => {
    if (curve.points.length > mostPoints) return []
    return [
      atPoints(curve.points, { type: 'point', filled: true, size: 26, opacity: 1, color: curveStyle(index).color }),
    ]
  })
}

function bestLayers(chart: Chart, range: Range): Layer[] {
  return chart.curves.flatMap((curve, index) => {
    const best = chart.best === null ? null : bestPoint(curve.points, chart.metric)
    if (best === null || (chart.best !== 'all' && chart.best !== curve.name)) return []
    const dot = atPoints([best], {
      type: 'point',
      filled: true,
      size: 110,
      opacity: 1,
      color: curveStyle(index).color,
      stroke: 'white',
      strokeWidth: 2,
    })
    return chart.best === 'all' ? [dot] : [...bestLabel(chart, curve, best, range), dot]
  })
}

/**
 * The dash pattern of a curve. A curve that coincides with earlier ones, such as that of the same run with other
 * workers, has gaps in which they show.
 */
function dashOf(chart: Chart, index: number): readonly number[] {
  const points = chart.curves[index]?.points ?? []
  const coincides = (other: Curve) => coincide(points, other.points)
  const below = chart.curves.slice(0, index).filter(coincides).length
  const above = chart.curves.slice(index + 1).filter(coincides).length
  return below === 0 ? curveStyle(index).dash : [stripeLength * (above + 1), stripeLength * below]
}

/** The label of the best value, at the free end of a rule through its epoch: above a loss, below an accuracy. */
function bestLabel(chart: Chart, curve: Curve, best: Point, range: Range): Layer[] {
  const isLeft = best.epoch <= (lastEpochOf(chart) + 1) / 2
  const edge = chart.metric === 'loss' ? range[1] : range[0]
  const rule = { type: 'rule', color: ink.rule, strokeDash: [3, 3], strokeWidth: 1 }
  const text = {
    type: 'text',
    text: describeBest(chart, curve, best),
    align: isLeft ? 'left' : 'right',
    baseline: 'middle',
    dx: isLeft ? 7 : -7,
    dy: chart.metric === 'loss' ? 12 : -12,
    fontSize: 13,
    fontWeight: 'bold',
    color: ink.text,
  }
  const halo = { ...text, stroke: 'white', strokeWidth: 4, strokeJoin: 'round' }
  const labelAt = [{ epoch: best.epoch, value: edge }]
  return [
    { ...atPoints([best], rule), encoding: { ...positions, y2: { datum: edge } } },
    atPoints(labelAt, halo),
    atPoints(labelAt, text),
  ]
}

function describeBest(chart: Chart, curve: Curve, best: Point): string {
  const extreme = chart.metric === 'loss' ? 'lowest' : 'highest'
  const which = chart.curves.length > 1 ? `${extreme} ${curve.name}` : extreme
  return `${which}: ${formatValue(best.value, chart.metric)} at epoch ${best.epoch}`
}

/** The names of the curves, beside their ends. */
function nameLayer(chart: Chart, range: Range): Layer {
  const ends = chart.curves.flatMap(curve => curve.points.slice(-1))
  const gap = ((range[1] - range[0]) * labelHeight) / plotHeight
  const heights = spreadLabels(
    ends.map(end => end.value),
    gap,
  )
  return {
    layer: chart.curves.map((curve, index) =>
      atPoints([{ epoch: lastEpochOf(chart), value: heights[index] ?? 0 }], {
        type: 'text',
        text: curve.name,
        align: 'left',
        baseline: 'middle',
        dx: 16,
        fontSize: 13,
        fontWeight: 'bold',
        color: curveStyle(index).color,
      }),
    ),
  }
}

const positions = {
  x: { field: 'epoch', type: 'quantitative' },
  y: { field: 'value', type: 'quantitative' },
} as const

function atPoints(points: readonly Point[], mark: Layer): Layer {
  return { data: { values: points }, mark, encoding: positions }
}

function lastEpochOf(chart: Chart): number {
  return Math.max(...chart.curves.flatMap(curve => curve.points.map(point => point.epoch)))
}
