import { type Due, dueTimes, type Forecast } from './forecast.ts'
import { isOverdue } from './hang.ts'
import { isSpared, type OpenTask, restrictionOf } from './open-task.ts'
import type { Assignment, Task } from './task.ts'
import { isLateNewcomer, type Moment, slackMs } from './worker-queue.ts'

/** A copy must be expected this much earlier than the original, since both times are estimates. */
const margin = 1.25

/** A worker idle for this long, and for this many tasks, is tried again: it may have become faster. */
const trial = { ms: 1000, tasks: 20 }

type LateTask<T extends Task> = Due<T> & { readonly holder: Forecast<T> }

/**
 * Chooses idle workers that also get a task another worker holds: those that should finish it from scratch before its
 * holder does, the latest task first. A task has at most one holder more than it needs answers. A task whose holder has
 * no known pace is copied once the holder is late for a newcomer. While no pace is known at all, it is copied once the
 * holder would count as hung.
 */
export function speculativeCopies<T extends Task>(
  forecasts: readonly Forecast<T>[],
  moment: Moment,
  openOf: (task: T) => OpenTask<T>,
): readonly Assignment<T>[] {
  const loads = forecasts.map(holder => ({ holder, due: dueTimes(holder, moment) }))
  const idle = loads.filter(({ due }) => due.length === 0).map(({ holder }) => holder)
  if (idle.length === 0) return []
  let single = loads
    .flatMap(({ holder, due }) => due.map(each => ({ ...each, holder })))
    .filter(({ held }) => held.wanted && held.task.step === moment.step && !isSpared(openOf(held.task)))
    .sort((a, b) => b.inMs - a.inMs)
  const assignments: Assignment<T>[] = []
  for (const forecast of idle) {
    const { workerId } = forecast.queue
    const may = ({ held }: LateTask<T>) => restrictionOf(openOf(held.task))?.(workerId) !== false
    const late = single.find(each => may(each) && isWorthCopying(each, forecast, moment))
    if (late === undefined) continue
    const { task } = late.held
    single = single.filter(({ held }) => held.task !== task)
    assignments.push({ workerId, task })
  }
  return assignments
}

function isWorthCopying<T extends Task>(late: LateTask<T>, { queue }: Forecast<T>, moment: Moment): boolean {
  if (isOverdue(late.holder.queue, moment)) return true
  const { kind, samples } = late.held.task
  const [theirs, own] = [late.holder.queue.paces.known(kind), queue.paces.known(kind)]
  if (own === null) return false
  if (theirs === null) return isLateNewcomer(late.holder.queue, [queue], moment)
  const idleMs = moment.nowMs - queue.lastAnswerAtMs
  if (idleMs > Math.max(trial.ms, trial.tasks * samples * theirs.meanMs)) return true
  return late.inMs > margin * samples * own.meanMs + slackMs(theirs, samples)
}
