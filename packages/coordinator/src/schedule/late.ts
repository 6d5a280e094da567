import { isOverdue } from './hang.ts'
import { isSpared, type OpenTask, restrictionOf } from './open-task.ts'
import { type Due, dueTimes, type Outlook } from './outlook.ts'
import type { Assignment, Task } from './task.ts'
import { isLateNewcomer, type Moment, slackMs } from './worker-queue.ts'

/** A second copy must be expected so much earlier than the first: both are estimates. */
const margin = 1.25

/** A worker that had nothing to do for so long, and for so many tasks, is tried out: it may have become faster. */
const trial = { ms: 1000, tasks: 20 }

type LateTask<T extends Task> = Due<T> & { readonly holder: Outlook<T> }

/**
 * Whom to give a task as well that another worker holds: idle workers that would by estimate do it from scratch before its
 * holder is done, the latest task first. A task has at most one holder more than answers are wanted. What a worker of unknown pace
 * holds is given to another one when it is late as a newcomer, and while nobody's pace is known when it would count as hung.
 */
export function secondHolders<T extends Task>(
  outlooks: readonly Outlook<T>[],
  moment: Moment,
  openOf: (task: T) => OpenTask<T>,
): readonly Assignment<T>[] {
  const loads = outlooks.map(holder => ({ holder, due: dueTimes(holder, moment) }))
  const idle = loads.filter(({ due }) => due.length === 0).map(({ holder }) => holder)
  if (idle.length === 0) return []
  let single = loads
    .flatMap(({ holder, due }) => due.map(each => ({ ...each, holder })))
    .filter(({ held }) => held.wanted && held.task.step === moment.step && !isSpared(openOf(held.task)))
    .sort((a, b) => b.inMs - a.inMs)
  const assignments: Assignment<T>[] = []
  for (const outlook of idle) {
    const { workerId } = outlook.queue
    const may = ({ held }: LateTask<T>) => restrictionOf(openOf(held.task))?.(workerId) !== false
    const late = single.find(each => may(each) && isWorthCopying(each, outlook, moment))
    if (late === undefined) continue
    const { task } = late.held
    single = single.filter(({ held }) => held.task !== task)
    assignments.push({ workerId, task })
  }
  return assignments
}

function isWorthCopying<T extends Task>(late: LateTask<T>, { queue }: Outlook<T>, moment: Moment): boolean {
  if (isOverdue(late.holder.queue, moment)) return true
  const { kind, samples } = late.held.task
  const [theirs, own] = [late.holder.queue.paces.known(kind), queue.paces.known(kind)]
  if (own === null) return false
  if (theirs === null) return isLateNewcomer(late.holder.queue, [queue], moment)
  const idleMs = moment.nowMs - queue.lastAnswerAtMs
  if (idleMs > Math.max(trial.ms, trial.tasks * samples * theirs.meanMs)) return true
  return late.inMs > margin * samples * own.meanMs + slackMs(theirs, samples)
}
