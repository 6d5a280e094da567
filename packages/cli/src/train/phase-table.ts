import type { PhaseReport, RunSummary } from '@lockstep/coordinator'
import { formatCount } from '../terminal/format.ts'
import { type Column, formatTable } from '../terminal/table.ts'

/** Rows in the order of the phases in a step. */
const rows = ['wait', 'prepare', 'receive', 'compute', 'encode', 'reduce', 'send', 'optimizer', 'other'] as const

/** The most workers with a column each. With more, the table shows their mean and the busiest one. */
const shownWorkers = 4

/** The coordinator or a worker, with its time in each phase, in ms per step. */
type Party = {
  readonly title: string
  readonly stepMs: number
  readonly phases: Readonly<Record<string, number>>
}

/**
 * Formats where the time of a step went, as the lines of a table: ms and share of the step by phase, for the
 * coordinator and each worker. The last row shows how much of the step the phases account for. Empty if no step was
 * measured.
 */
export function phaseTable({ phases, perWorker }: Pick<RunSummary, 'phases' | 'perWorker'>): string[] {
  if (phases === null) return []
  const { steps, stepMs } = phases.coordinator
  const parties: Party[] = [{ title: 'coordinator', ...phases.coordinator }, ...partiesOf(phases, perWorker)]
  const columns: Column[] = [{ title: 'a step' }, ...parties.map(({ title }) => ({ title, align: 'right' as const }))]
  const cells = rows.map(row => [row, ...parties.map(party => describeShare(party.phases[row], party.stepMs))])
  const sums = parties.map(party => describeShare(sum(Object.values(party.phases)), party.stepMs))
  const caption = `ms and share of a step of ${stepMs.toFixed(2)} ms, over ${formatCount(steps)} steps`
  return [...formatTable(columns, [...cells, ['sum', ...sums]]), caption]
}

function partiesOf({ workers }: PhaseReport, perWorker: RunSummary['perWorker']): Party[] {
  const nameOf = (id: number) => perWorker.find(worker => worker.id === id)?.name ?? `worker ${id}`
  if (workers.length <= shownWorkers) return workers.map(({ id, ...times }) => ({ title: nameOf(id), ...times }))
  const busiest = workers.reduce((a, b) => (a.phases.compute / a.stepMs < b.phases.compute / b.stepMs ? b : a))
  return [meanOf(workers), { ...busiest, title: `busiest: ${nameOf(busiest.id)}` }]
}

function meanOf(workers: PhaseReport['workers']): Party {
  const mean = (values: readonly number[]) => sum(values) / workers.length
  const names = Object.keys(workers[0]!.phases) as (keyof PhaseReport['workers'][number]['phases'])[]
  const phases = Object.fromEntries(names.map(name => [name, mean(workers.map(worker => worker.phases[name]))]))
  return { title: `mean of ${workers.length} workers`, stepMs: mean(workers.map(({ stepMs }) => stepMs)), phases }
}

/** `7.12  69 %`; empty for a phase that the party does not have. */
function describeShare(ms: number | undefined, stepMs: number): string {
  return ms === undefined ? '' : `${ms.toFixed(2)}  ${((100 * ms) / stepMs).toFixed(0).padStart(3)} %`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
