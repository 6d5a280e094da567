import { type Forecast, loadMs, taskMs } from './forecast.ts'
import type { Restriction } from './open-task.ts'
import type { Assignment, Task } from './task.ts'
import { isLate, isLateNewcomer, type Moment } from './worker-queue.ts'

/** A worker may hold more than its window while all its tasks take no longer than this: small tasks on a slow link. */
const horizonMs = 50

/** The most tasks due no later than a new one that a worker may hold. */
const largestWindow = 16

/**
 * A task waits for a faster worker only if that one finishes it earlier by this factor, so that noise decides nothing.
 */
const worthWaiting = 1.1

/** The plan for one worker: what it holds, and what it is meant to get. */
type WorkerPlan<T extends Task> = {
  readonly forecast: Forecast<T>
  readonly late: boolean
  /** Tasks that it holds, or is meant to get, due no later than the step being planned. */
  dueTasks: number
  dueMs: number
  /** The time that its tasks of the step take. */
  loadMs: number
}

export type AssignOptions<T extends Task> = {
  readonly moment: Moment
  readonly window: number
  /** Which workers may get a task. */
  readonly restrict: (task: T) => Restriction
}

/**
 * Takes from `pending`, which is sorted, what can be sent now. Each task goes to the worker that should finish it
 * first. Where that worker has no room the task is left pending for it, and the plans for later tasks account for that.
 * Several copies of a task go to as many workers.
 */
export function assignPending<T extends Task>(
  pending: T[],
  forecasts: readonly Forecast<T>[],
  { moment, window, restrict }: AssignOptions<T>,
): readonly Assignment<T>[] {
  const assignments: Assignment<T>[] = []
  const plans = openPlans(forecasts, moment)
  let step = Number.NEGATIVE_INFINITY
  let copies: Copies<T> = { of: null, plans: new Set() }
  for (let at = 0; at < pending.length; ) {
    const task = pending[at]!
    if (task.step > step) advanceTo(plans, step, task.step, moment)
    step = task.step
    if (copies.of !== task) copies = { of: task, plans: new Set() }
    if (!plans.some(plan => hasRoom(plan, task, window))) break
    const { best, bestOpen } = findBest(plansFor(plans, copies, restrict(task)), task, window)
    const plan = bestOpen === null || isWorthWaiting(best!, bestOpen, task) ? best : bestOpen
    if (plan !== null) {
      take(plan, task)
      copies.plans.add(plan)
    }
    if (plan !== null && plan === bestOpen) {
      assignments.push({ workerId: plan.forecast.queue.workerId, task })
      pending.splice(at, 1)
    } else at += 1
  }
  return assignments
}

/** The plans to which copies of a task are planned to go. */
type Copies<T extends Task> = { readonly of: T | null; readonly plans: Set<WorkerPlan<T>> }

/** The plans that may get one more copy. */
function plansFor<T extends Task>(
  plans: readonly WorkerPlan<T>[],
  copies: Copies<T>,
  restriction: Restriction,
): readonly WorkerPlan<T>[] {
  if (restriction === null) return plans
  return plans.filter(plan => !copies.plans.has(plan) && restriction(plan.forecast.queue.workerId))
}

/** Late workers get nothing more, unless all are late: then this machine was delayed. */
function openPlans<T extends Task>(forecasts: readonly Forecast<T>[], moment: Moment): readonly WorkerPlan<T>[] {
  const queues = forecasts.map(({ queue }) => queue)
  const late = queues.map(queue => isLate(queue, moment) || isLateNewcomer(queue, queues, moment))
  const allLate = late.every(isLate => isLate)
  return forecasts.map((forecast, at) => ({
    forecast,
    late: late[at]! && !allLate,
    dueTasks: 0,
    dueMs: 0,
    loadMs: 0,
  }))
}

/** Advances the plans from what is due by one step to what is due by a later one. */
function advanceTo<T extends Task>(plans: readonly WorkerPlan<T>[], from: number, to: number, moment: Moment): void {
  for (const plan of plans) {
    for (const { task } of plan.forecast.queue.held.values()) {
      if (task.step <= from || task.step > to) continue
      plan.dueTasks += 1
      plan.dueMs += taskMs(plan.forecast, task)
    }
    plan.loadMs = loadMs(plan.forecast, to, moment)
  }
}

function hasRoom<T extends Task>({ forecast, late, dueTasks, dueMs }: WorkerPlan<T>, task: T, window: number): boolean {
  if (late) return false
  if (dueTasks < window) return true
  if (dueTasks >= largestWindow || forecast.queue.paces.known(task.kind) === null) return false
  return dueMs + taskMs(forecast, task) <= horizonMs
}

type Best<T extends Task> = { readonly best: WorkerPlan<T> | null; readonly bestOpen: WorkerPlan<T> | null }

/** The plan that finishes the task first, of all and of those with room. */
function findBest<T extends Task>(plans: readonly WorkerPlan<T>[], task: T, window: number): Best<T> {
  let best: WorkerPlan<T> | null = null
  let bestOpen: WorkerPlan<T> | null = null
  for (const plan of plans) {
    if (best === null || compare(plan, best, task) < 0) best = plan
    if (bestOpen !== null && compare(plan, bestOpen, task) >= 0) continue
    if (hasRoom(plan, task, window)) bestOpen = plan
  }
  return { best, bestOpen }
}

/** Whether the best plan, which has no room yet, still finishes the task earlier than one that has room. */
function isWorthWaiting<T extends Task>(best: WorkerPlan<T>, bestOpen: WorkerPlan<T>, task: T): boolean {
  if (best === bestOpen || best.forecast.queue.paces.known(task.kind) === null) return false
  return finishMs(best, task) * worthWaiting < finishMs(bestOpen, task)
}

function compare<T extends Task>(a: WorkerPlan<T>, b: WorkerPlan<T>, task: T): number {
  const sooner = finishMs(a, task) - finishMs(b, task)
  return sooner || a.dueTasks - b.dueTasks || a.forecast.queue.workerId - b.forecast.queue.workerId
}

function finishMs<T extends Task>({ forecast, loadMs }: WorkerPlan<T>, task: T): number {
  return loadMs + taskMs(forecast, task)
}

function take<T extends Task>(plan: WorkerPlan<T>, task: T): void {
  const tookMs = taskMs(plan.forecast, task)
  plan.loadMs += tookMs
  plan.dueMs += tookMs
  plan.dueTasks += 1
}
