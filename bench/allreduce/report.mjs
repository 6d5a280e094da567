// The measurements of `pnpm bench allreduce` as Markdown.
import { describeMachine } from '../support/machine.mjs'
import { markdownTable } from '../support/statistics.mjs'
import { costlyBytes, predictMs } from './fit.mjs'
import { contestants, links } from './settings.mjs'

const titleOf = (list, wanted) => list.find(({ id }) => id === wanted).title

/** Sizes and numbers of workers for which the report shows predictions of the fits. */
const asked = { elements: [250_000, 2_500_000, 25_000_000], workers: [100, 1000] }

export function renderReport(report) {
  const { machine, versions, settings, results, fits } = report
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const cells = groupBy(results, ({ link, elements }) => `${link} ${elements}`).filter(cell =>
    cell.some(({ medianMs }) => medianMs !== undefined),
  )
  return [
    '# All-reduce\n',
    `${describeMachine(machine)}${named.map(each => `, ${each}`).join('')}\n`,
    `Time from the moment when the last worker is let go with its gradient to the moment when the mean lies in the memory of the last one; before each, all wait for 10 ms or longer, as if they computed; median over the steps, ± half the distance between the quartiles, of ${settings.repeats} interleaved rounds or of one where steps are long. Lockstep's coordinator and workers, with a stand-in for TensorFlow whose gradient is there at once and an optimizer that does nothing. gloo: torch.distributed's all_reduce after a pause and a barrier, timed likewise; a sum, not divided.\n`,
    ...cells.map(renderCell),
    ...renderWire(results),
    ...renderFits(fits),
    ...renderLeftOut(results),
  ].join('\n')
}

function renderCell(results) {
  const [{ link, elements }] = results
  const ids = contestants.map(({ id }) => id).filter(id => results.some(({ contestant }) => contestant === id))
  const ours = ids.filter(id => id !== 'gloo')
  const rows = groupBy(results, ({ workers }) => workers).map(row => {
    const find = id => row.find(({ contestant }) => contestant === id)
    return [row[0].workers, ...ids.map(id => renderTime(find(id))), renderRatio(ours.map(find), find('gloo'))]
  })
  const heads = ['workers', ...ids.map(id => `${titleOf(contestants, id)}, ms`), 'best / gloo']
  return `## ${titleOf(links, link)}, ${(4 * elements) / 1e6} MB\n\n${markdownTable(heads, rows)}`
}

function renderTime(result) {
  if (result === undefined) return ''
  if (result.medianMs === undefined) return result.reason.startsWith('not run') ? 'not run' : 'failed'
  const uneven = result.unevenSteps > 0 ? ' *' : ''
  return `${formatMs(result.medianMs)} ± ${(100 * result.spread).toFixed(0)} %${uneven}`
}

function renderRatio(ours, gloo) {
  const times = ours.flatMap(result => (result?.medianMs === undefined ? [] : [result.medianMs]))
  if (times.length === 0 || gloo?.medianMs === undefined || gloo.workers === 1) return ''
  return `${(Math.min(...times) / gloo.medianMs).toFixed(2)}×`
}

/** Bytes sent, and the coordinator's CPU time and memory. */
function renderWire(results) {
  const measured = results.filter(({ medianMs }) => medianMs !== undefined)
  if (measured.length === 0) return []
  const mega = bytes => (bytes === undefined ? '' : (bytes / 1e6).toFixed(2))
  const rows = measured.map(result => [
    `${titleOf(links, result.link)}, ${(4 * result.elements) / 1e6} MB, ${titleOf(contestants, result.contestant)}`,
    result.workers,
    mega(result.workerSentBytes),
    mega(result.coordinatorReceivedBytes),
    mega(result.coordinatorSentBytes),
    result.coordinatorCpuMs?.toFixed(1) ?? '',
    result.coordinatorPeakBytes === undefined ? '' : (result.coordinatorPeakBytes / 1e6).toFixed(0),
  ])
  const heads = ['', 'workers', 'a worker sends, MB', 'coordinator receives', 'sends', 'its CPU, ms', 'its memory, MB']
  const note =
    'Per all-reduce, by the counters of the interfaces, headers and the samples of the next step (3 KB a worker) included. On loopback all processes share one interface: its bytes stand in each column. Memory is the peak of the resident set.\n'
  return ['## Bytes on the wire and the coordinator\n', markdownTable(heads, rows), note]
}

function renderFits(fits) {
  if (fits.length === 0) return []
  const rows = fits.map(({ link, contestant, a, b, c, error }) => [
    `${titleOf(links, link)}, ${titleOf(contestants, contestant)}`,
    a.toFixed(2),
    b.toFixed(2),
    c.toFixed(3),
    `${(100 * error).toFixed(0)} %`,
  ])
  const heads = ['', 'a, ms', 'b, ms a MB', 'c, ms a worker', 'median error']
  const predicted = asked.elements.flatMap(elements =>
    fits.map(fit => [
      `${(4 * elements) / 1e6} MB, ${titleOf(links, fit.link)}, ${titleOf(contestants, fit.contestant)}`,
      ...asked.workers.map(workers => formatMs(predictFor(fit, workers, elements))),
    ]),
  )
  return [
    '## Model: time = a + b · bytes + c · workers\n',
    'Bytes: between hosts those through the busiest link (star: 2 × workers × size, at the coordinator; direct and gloo: 2 × (workers − 1) / workers × size); on loopback and with the delay, where no link is the limit, all that are sent. Least squares of the relative error over two workers and more, no coefficient below zero.\n',
    markdownTable(heads, rows),
    markdownTable(['predicted, ms', ...asked.workers.map(workers => `${workers} workers`)], predicted),
  ]
}

function predictFor(fit, workers, elements) {
  return predictMs(fit, { workers, bytes: costlyBytes(fit.link, fit.contestant, workers, 4 * elements) })
}

function renderLeftOut(results) {
  const left = results.filter(({ medianMs }) => medianMs === undefined)
  const lines = groupBy(left, ({ link, contestant, reason }) => `${link} ${contestant} ${reason}`).map(same => {
    const [{ link, contestant, reason }] = same
    const cells = same.map(({ elements, workers }) => `${workers} × ${(4 * elements) / 1e6} MB`)
    return `- ${titleOf(links, link)}, ${titleOf(contestants, contestant)}, ${cells.join(', ')}: ${reason}`
  })
  const uneven = results.some(({ unevenSteps }) => unevenSteps > 0)
  const note = uneven
    ? ['\\* In some of the steps a worker had no shard; the figure leaves them out where there are others.\n']
    : []
  return [...note, ...(lines.length > 0 ? ['## Left out\n', ...lines, ''] : [])]
}

function formatMs(ms) {
  if (ms >= 1000) return ms.toFixed(0)
  return ms >= 100 ? ms.toFixed(1) : ms.toFixed(2)
}

function groupBy(list, keyOf) {
  const keys = [...new Set(list.map(keyOf))]
  return keys.map(key => list.filter(each => keyOf(each) === key))
}
