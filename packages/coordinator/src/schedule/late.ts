import { type Moment, slackMs } from './bench.ts'
import { type Due, dueTimes, type Outlook } from './outlook.ts'
import type { Assignment, Task } from './task.ts'

/** A second copy must be expected so much earlier than the first: both are estimates. */
const margin = 1.25

/** A worker that had nothing to do for so long, and for so many tasks, is tried out: it may have become faster. */
const trial = { ms: 1000, tasks: 20 }

type LateTask<T extends Task> = Due<T> & { readonly holder: Outlook<T> }

/**
 * Whom to give a task as well that another worker holds: idle workers that would by estimate do it from scratch before its
 * holder is done, the latest task first. A task has at most two holders. Nothing happens while a pace is unknown.
 */
export function secondHolders<T extends Task>(
  outlooks: readonly Outlook<T>[],
  moment: Moment,
  holders: (task: T) => number,
): readonly Assignment<T>[] {
  const loads = outlooks.map(holder => ({ holder, due: dueTimes(holder, moment) }))
  const idle = loads.filter(({ due }) => due.length === 0).map(({ holder }) => holder)
  if (idle.length === 0) return []
  const single = loads
    .flatMap(({ holder, due }) => due.map(each => ({ ...each, holder })))
    .filter(({ held }) => held.wanted && held.task.step === moment.step && holders(held.task) === 1)
    .sort((a, b) => b.inMs - a.inMs)
  const assignments: Assignment<T>[] = []
  for (const outlook of idle) {
    const at = single.findIndex(late => isWorthCopying(late, outlook, moment))
    if (at < 0) continue
    const [{ held }] = single.splice(at, 1) as [LateTask<T>]
    assignments.push({ workerId: outlook.bench.workerId, task: held.task })
  }
  return assignments
}

function isWorthCopying<T extends Task>(late: LateTask<T>, { bench }: Outlook<T>, { nowMs }: Moment): boolean {
  const { kind, samples } = late.held.task
  const [theirs, own] = [late.holder.bench.paces.known(kind), bench.paces.known(kind)]
  if (theirs === null || own === null) return false
  const idleMs = nowMs - bench.lastAnswerAtMs
  if (idleMs > Math.max(trial.ms, trial.tasks * samples * theirs.meanMs)) return true
  return late.inMs > margin * samples * own.meanMs + slackMs(theirs, samples)
}
