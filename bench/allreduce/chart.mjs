// Draws the measurements: time over workers, with a column for each link, a row for each size, and the fits as lines.
import { drawSpec } from '../../packages/cli/dist/plots/draw.js'
import { chartConfig, curveStyle } from '../../packages/cli/dist/plots/theme.js'
import { costlyBytes, predictMs } from './fit.mjs'
import { contestants, links } from './settings.mjs'

export function drawResults(report) {
  return drawSpec({
    background: 'white',
    title: { text: 'All-reduce: time from the last gradient to the mean everywhere', subtitle: subtitleOf(report) },
    config: chartConfig,
    data: { values: [...emptyCells(report), ...measuredPoints(report), ...fittedPoints(report)] },
    facet: {
      column: facetOf(
        'link',
        links.map(({ title }) => title),
      ),
      row: facetOf('size', sizesOf(report)),
    },
    spec: { width: 210, height: 170, layer: [pointLayer, lineLayer] },
    resolve: { scale: { y: 'shared' } },
  })
}

const titles = contestants.map(({ title }) => title)
const color = {
  field: 'way',
  type: 'nominal',
  scale: { domain: titles, range: titles.map((_, index) => curveStyle(index).color) },
  legend: { orient: 'bottom', direction: 'horizontal', title: null, labelLimit: 0 },
}
const axes = {
  x: {
    field: 'workers',
    type: 'quantitative',
    scale: { type: 'log', base: 2 },
    axis: { title: 'workers', format: 'd' },
  },
  y: { field: 'ms', type: 'quantitative', scale: { type: 'log' }, axis: { title: 'ms', format: '~s', tickCount: 5 } },
  color,
}
const pointLayer = {
  transform: [{ filter: 'datum.kind === "measured"' }],
  mark: { type: 'point', filled: true, size: 42, opacity: 1 },
  encoding: axes,
}
const lineLayer = {
  transform: [{ filter: 'datum.kind === "fitted"' }],
  mark: { type: 'line', strokeWidth: 1.5, opacity: 0.6 },
  encoding: axes,
}

/** An invisible entry for every cell. Without it a cell without data would be missing and the others would move up. */
function emptyCells(report) {
  const columns = links.filter(({ id }) => report.results.some(({ link }) => link === id))
  return columns.flatMap(({ title }) => sizesOf(report).map(size => ({ kind: 'empty', link: title, size })))
}

function measuredPoints({ results }) {
  return results
    .filter(({ medianMs }) => medianMs > 0)
    .map(result => ({ kind: 'measured', ...placeOf(result), workers: result.workers, ms: result.medianMs }))
}

function fittedPoints({ fits, results }) {
  return fits.flatMap(({ link, contestant, ...fit }) =>
    results
      .filter(result => result.link === link && result.contestant === contestant && result.workers > 1)
      .map(result => {
        const bytes = costlyBytes(link, contestant, result.workers, 4 * result.elements)
        const ms = predictMs(fit, { bytes, workers: result.workers })
        return { kind: 'fitted', ...placeOf(result), workers: result.workers, ms }
      }),
  )
}

function placeOf({ link, elements, contestant }) {
  const title = (list, wanted) => list.find(({ id }) => id === wanted).title
  return { link: title(links, link), size: sizeTitle(elements), way: title(contestants, contestant) }
}

function sizesOf({ results }) {
  return [...new Set(results.map(({ elements }) => elements))].sort((a, b) => a - b).map(sizeTitle)
}

function sizeTitle(elements) {
  return `${(4 * elements) / 1e6} MB`
}

function subtitleOf({ machine }) {
  return `points: medians; lines: a + b·bytes + c·workers. ${machine.cores} cores of ${machine.cpu}, a stand-in for TensorFlow`
}

function facetOf(field, sort) {
  return { field, type: 'nominal', sort, header: { title: null, labelFontSize: 13, labelFontWeight: 'bold' } }
}
