// The measurements of `pnpm bench profile` as Markdown.
import { describeMachine } from '../support/machine.mjs'
import { markdownTable } from '../support/statistics.mjs'

const rows = ['wait', 'prepare', 'receive', 'compute', 'encode', 'reduce', 'send', 'optimizer', 'other']

export function renderReport(report) {
  const { coordinatorUs, workerUs } = report.timing
  const cost = `Timing a step costs ${coordinatorUs.toFixed(1)} µs of the coordinator and ${workerUs.toFixed(1)} µs of a worker: its functions in a loop, called as often as a step of ${report.workers} workers calls them.\n`
  return [
    '# Where a step goes\n',
    `${describeMachine(report.machine)}\n`,
    cost,
    ...report.runs.map(run => renderRun(run, report)),
  ].join('\n')
}

function renderRun(run, { timing }) {
  const { batch, precision, steps, imagesPerSecond, phases, threads } = run
  const { stepMs } = phases.coordinator
  const share = us => `${((100 * us) / 1000 / stepMs).toFixed(2)} %`
  const speed = `${steps} steps, ${imagesPerSecond.toFixed(0)} images/s, ${stepMs.toFixed(2)} ms a step. The timing costs ${share(timing.coordinatorUs)} of it at the coordinator, ${share(timing.workerUs)} at a worker.\n`
  return [`## ${precision}, batch ${batch}\n`, speed, renderPhases(run), renderThreads(threads)].join('\n')
}

/** Milliseconds and share of a step by phase. The last row leaves out `other`, which is not a phase. */
function renderPhases({ phases, perWorker }) {
  const nameOf = id => perWorker.find(worker => worker.id === id).name
  const parties = [
    { title: 'coordinator', ...phases.coordinator },
    ...phases.workers.map(worker => ({ title: nameOf(worker.id), ...worker })),
  ]
  const cell = (ms, stepMs) => (ms === undefined ? '' : `${ms.toFixed(3)} (${((100 * ms) / stepMs).toFixed(1)} %)`)
  const body = rows.map(row => [row, ...parties.map(({ phases, stepMs }) => cell(phases[row], stepMs))])
  const accounted = parties.map(({ phases, stepMs }) => cell(total(phases) - (phases.other ?? 0), stepMs))
  return markdownTable(
    ['ms a step', ...parties.map(({ title }) => title)],
    [...body, ['accounted for, without other', ...accounted]],
  )
}

function renderThreads(threads) {
  const growth = ({ early, late }) => `${megabytes(early)} → ${megabytes(late)}`
  return markdownTable(
    ['thread', 'garbage collection', 'heap, MB', 'external, MB'],
    threads.map(({ name, gcShare, heap, external }) => [
      name,
      `${(100 * gcShare).toFixed(2)} %`,
      growth(heap),
      growth(external),
    ]),
  )
}

function total(phases) {
  return Object.values(phases).reduce((sum, ms) => sum + ms, 0)
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1)
}
