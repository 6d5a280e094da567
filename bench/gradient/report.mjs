// The measurements of `pnpm bench gradient` as Markdown.
import { describeMachine } from '../support/machine.mjs'
import { markdownTable } from '../support/statistics.mjs'
import { contestants } from './contestants.mjs'

const titles = new Map(contestants.map(({ id, title }) => [id, title]))

/** The time of the second divided by that of the first: above 1, the first is faster. */
const ratios = [
  ['compiled / eager', 'compiled', 'eager'],
  ['compiled / Keras', 'compiled', 'keras'],
  ['compiled / PyTorch', 'compiled', 'pytorch'],
  ['bfloat16 / float32', 'compiled-bfloat16', 'compiled'],
  ['bfloat16 / PyTorch bfloat16', 'compiled-bfloat16', 'pytorch-bfloat16'],
]

export function renderReport(report) {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  const parts = [
    '# One gradient step\n',
    `${describeMachine(report.machine)}\n`,
    `${versions.join(', ')}\n`,
    `Median of ${report.settings.repeats} interleaved repeats of each repeat's median, ± half the range; rows with fewer threads than cores are pinned to as many cores. A step is forward, backward, and the gradient as one float32 vector in host memory. Keras: tf.function, jit_compile off. PyTorch: op by op, channels_last unless NCHW is said, bfloat16 by autocast.\n`,
    ...groups(report.steps).map(renderGroup),
    ...renderParts(report.steps),
    ...renderCompilation(report.compilation),
    ...report.profiles.map(renderProfile),
    ...renderLeftOut(report.leftOut),
  ]
  return parts.join('\n')
}

/** Groups the steps by net and number of threads. */
function groups(steps) {
  const keys = new Set(steps.map(({ model, threads }) => `${model} ${threads}`))
  return [...keys].map(key => steps.filter(({ model, threads }) => `${model} ${threads}` === key))
}

function renderGroup(steps) {
  const [{ model, threads }] = steps
  const ids = [...titles.keys()].filter(id => steps.some(({ contestant }) => contestant === id))
  const batches = [...new Set(steps.map(({ batch }) => batch))]
  const find = (batch, id) => steps.find(step => step.batch === batch && step.contestant === id)
  const times = batches.map(batch => [batch, ...ids.map(id => renderTime(find(batch, id)))])
  const known = ratios.filter(([, first, second]) => ids.includes(first) && ids.includes(second))
  const quotients = batches.map(batch => [
    batch,
    ...known.map(([, first, second]) => renderRatio(find(batch, first), find(batch, second))),
  ])
  const heading = `## ${model}, ${renderThreads(threads)}\n`
  const timeTable = markdownTable(['batch', ...ids.map(id => `${titles.get(id)}, ms`)], times)
  const speeds = known.length > 0 ? [markdownTable(['batch, speed', ...known.map(([title]) => title)], quotients)] : []
  return [heading, timeTable, ...speeds].join('\n')
}

function renderThreads(threads) {
  return threads === 1 ? '1 thread' : `${threads} threads`
}

function renderTime(step) {
  return step === undefined ? '' : `${step.medianMs.toFixed(2)} ± ${(100 * step.spread).toFixed(0)} %`
}

function renderRatio(first, second) {
  return first === undefined || second === undefined ? '' : `${(second.medianMs / first.medianMs).toFixed(2)}×`
}

function renderParts(steps) {
  const rows = steps
    .filter(({ parts }) => parts !== undefined)
    .map(({ model, threads, batch, contestant, parts }) => [
      `${model}, ${titles.get(contestant)}`,
      threads,
      batch,
      ...[parts.stepMs, parts.sessionMs, parts.copyMs, parts.javaScriptMs].map(each => each.toFixed(2)),
    ])
  if (rows.length === 0) return []
  const heads = ['', 'threads', 'batch', 'step, ms', 'TensorFlow session', 'copies in and out', 'JavaScript']
  return ['## Parts of a compiled step\n', markdownTable(heads, rows)]
}

function renderCompilation(compilation) {
  if (compilation.length === 0) return []
  const rows = compilation.map(({ model, contestant, batch, coldMs, cachedMs, firstStepMs }) => [
    `${model}, ${titles.get(contestant)}`,
    batch,
    ...[coldMs, cachedMs, firstStepMs].map(each => each.toFixed(0)),
  ])
  const heads = ['in a new process', 'batch', 'compiling, ms', 'from cache, ms', 'first step, ms']
  return ['## Compiling\n', markdownTable(heads, rows)]
}

function renderProfile({ model, contestant, batch, threads, stepMs, ops }) {
  const total = ops.reduce((sum, { ms }) => sum + ms, 0)
  const rows = ops
    .filter(({ ms }) => ms >= total / 1000)
    .map(({ op, calls, ms }) => [op, calls.toFixed(0), ms.toFixed(3), `${((100 * ms) / total).toFixed(1)} %`])
  const heading = `## Where the time goes: ${model}, ${titles.get(contestant)}, batch ${batch}, ${renderThreads(threads)}\n`
  const sums = `All operations ${total.toFixed(2)} ms; a session run without tracing ${stepMs.toFixed(2)} ms. Operations below 0.1 % are not listed.\n`
  return [heading, markdownTable(['operation', 'calls', 'ms', 'share'], rows), sums].join('\n')
}

function renderLeftOut(leftOut) {
  if (leftOut.length === 0) return []
  const place = ({ contestant, model, threads, batch }) =>
    [contestant, model, threads && renderThreads(threads), batch && `batch ${batch}`].filter(Boolean).join(', ')
  return ['## Left out\n', ...leftOut.map(each => `- ${place(each)}: ${each.reason.trim().split('\n').at(-1)}`), '']
}
