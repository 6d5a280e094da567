// The measurements of `pnpm bench train` as Markdown.
import { describeMachine } from '../support/machine.mjs'
import { markdownTable, median, spread } from '../support/statistics.mjs'

/** The contestants by whose speed lockstep's speed is divided. */
const rivals = [
  ['ddp', 'PyTorch DDP'],
  ['keras', 'Keras fit'],
  ['keras-tuned', 'Keras fit, tuned'],
  ['tfjs', 'tfjs-node fit'],
  ['pytorch', 'PyTorch, one process'],
  ['ceiling', 'two workers without communication'],
]

export function renderReport(report) {
  const { batch, samples, epochs, repeats } = report.settings
  const versions = Object.values(report.versions)
  const parts = [
    '# Whole runs\n',
    `${describeMachine(report.machine)}\n`,
    ...(versions.length > 0 ? [`${versions.join(', ')}\n`] : []),
    `Reference net, global batch ${batch}, ${report.dataSource}. Images per second of training steps after a warm-up of 20, ${epochs} epochs of ${samples} samples a run. Median of ${repeats} interleaved repeats, ± half their range.\n`,
    renderSpeeds(report.contestants),
    '## Lockstep’s speed divided by that of others\n',
    renderRatios(report.contestants),
    '## Efficiency\n',
    renderScaling(report.contestants, batch),
    ...renderLeftOut(report.leftOut),
  ]
  return parts.join('\n')
}

function renderSpeeds(contestants) {
  const rows = contestants.map(({ title, precision, runs }) => {
    const speeds = runs.map(run => run.imagesPerSecond)
    const losses = runs.map(run => run.losses.at(-1)).filter(Number.isFinite)
    const loss = losses.length > 0 ? median(losses).toFixed(2) : ''
    return [title, precision, median(speeds).toFixed(0), `± ${(100 * spread(speeds)).toFixed(0)} %`, loss]
  })
  return markdownTable(['contestant', 'precision', 'images/s', 'spread', 'last training loss'], rows)
}

function renderRatios(contestants) {
  const rows = rivals.map(([name, title]) => [
    title,
    ratio(contestants, ['lockstep', 'float32'], [name, 'float32']),
    ratio(contestants, ['lockstep', 'bfloat16'], [name, 'bfloat16']),
    ratio(contestants, ['lockstep-compressed', 'bfloat16'], [name, 'bfloat16']),
  ])
  return markdownTable(['beside', 'float32', 'bfloat16', 'bfloat16, compressed'], rows)
}

/** The scaling efficiency of two workers at twice the batch of one, with the same shard size. */
function renderScaling(contestants, batch) {
  const rows = [`2 workers at batch ${batch} / (2 × 1 worker at batch ${batch / 2})`]
  const of = precision => ratio(contestants, ['lockstep', precision], ['lockstep-1', precision], 2)
  return markdownTable(['fixed shard', 'float32', 'bfloat16'], [[...rows, of('float32'), of('bfloat16')]])
}

/** The ratio of two medians; empty if one of them was not measured. */
function ratio(contestants, [first, precision], [second, otherPrecision], times = 1) {
  const speedOf = (name, wanted) => {
    const found = contestants.find(each => each.name === name && each.precision === wanted)
    return found && median(found.runs.map(run => run.imagesPerSecond))
  }
  const quotient = speedOf(first, precision) / (times * speedOf(second, otherPrecision))
  return Number.isFinite(quotient) ? quotient.toFixed(2) : ''
}

function renderLeftOut(leftOut) {
  if (leftOut.length === 0) return []
  const lines = leftOut.map(({ title, precision, reason }) => `- ${title}, ${precision}: ${lastStatement(reason)}`)
  return ['## Left out\n', ...lines, '']
}

/** The line with the error of a program or a Python traceback. */
function lastStatement(text) {
  return text
    .trim()
    .split('\n')
    .findLast(line => line.trim() !== '' && !line.startsWith(' '))
}
