import type { Restriction } from './open-task.ts'
import { loadMs, type Outlook, taskMs } from './outlook.ts'
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

/** A worker's part in the plan: what it holds, and what it is meant to get. */
type Share<T extends Task> = {
  readonly outlook: Outlook<T>
  readonly late: boolean
  /** Tasks that it holds, or is meant to get, due no later than the step being planned. */
  dueTasks: number
  dueMs: number
  /** The time that its tasks of the step take. */
  loadMs: number
}

export type SharingOptions<T extends Task> = {
  readonly moment: Moment
  readonly window: number
  /** Which workers may get a task. */
  readonly restrict: (task: T) => Restriction
}

/**
 * Takes from `pending`, which is sorted, what can be sent now. Each task goes to the worker that should finish it
 * first. Where that worker has no room the task is left pending for it, and the plan for later tasks accounts for that.
 * Several copies of a task go to as many workers.
 */
export function sharePending<T extends Task>(
  pending: T[],
  outlooks: readonly Outlook<T>[],
  { moment, window, restrict }: SharingOptions<T>,
): readonly Assignment<T>[] {
  const assignments: Assignment<T>[] = []
  const shares = openShares(outlooks, moment)
  let step = Number.NEGATIVE_INFINITY
  let copies: Copies<T> = { of: null, shares: new Set() }
  for (let at = 0; at < pending.length; ) {
    const task = pending[at]!
    if (task.step > step) turnTo(shares, step, task.step, moment)
    step = task.step
    if (copies.of !== task) copies = { of: task, shares: new Set() }
    if (!shares.some(share => hasRoom(share, task, window))) break
    const { best, bestOpen } = findBest(sharesFor(shares, copies, restrict(task)), task, window)
    const share = bestOpen === null || isWorthWaiting(best!, bestOpen, task) ? best : bestOpen
    if (share !== null) {
      take(share, task)
      copies.shares.add(share)
    }
    if (share !== null && share === bestOpen) {
      assignments.push({ workerId: share.outlook.queue.workerId, task })
      pending.splice(at, 1)
    } else at += 1
  }
  return assignments
}

/** The shares to which copies of a task are planned to go. */
type Copies<T extends Task> = { readonly of: T | null; readonly shares: Set<Share<T>> }

/** The shares that may get one more copy. */
function sharesFor<T extends Task>(
  shares: readonly Share<T>[],
  copies: Copies<T>,
  restriction: Restriction,
): readonly Share<T>[] {
  if (restriction === null) return shares
  return shares.filter(share => !copies.shares.has(share) && restriction(share.outlook.queue.workerId))
}

/** Late workers get nothing more, unless all are late: then this machine was delayed. */
function openShares<T extends Task>(outlooks: readonly Outlook<T>[], moment: Moment): readonly Share<T>[] {
  const queues = outlooks.map(({ queue }) => queue)
  const late = queues.map(queue => isLate(queue, moment) || isLateNewcomer(queue, queues, moment))
  const allLate = late.every(isLate => isLate)
  return outlooks.map((outlook, at) => ({
    outlook,
    late: late[at]! && !allLate,
    dueTasks: 0,
    dueMs: 0,
    loadMs: 0,
  }))
}

/** Advances the shares from what is due by one step to what is due by a later one. */
function turnTo<T extends Task>(shares: readonly Share<T>[], from: number, to: number, moment: Moment): void {
  for (const share of shares) {
    for (const { task } of share.outlook.queue.held.values()) {
      if (task.step <= from || task.step > to) continue
      share.dueTasks += 1
      share.dueMs += taskMs(share.outlook, task)
    }
    share.loadMs = loadMs(share.outlook, to, moment)
  }
}

function hasRoom<T extends Task>({ outlook, late, dueTasks, dueMs }: Share<T>, task: T, window: number): boolean {
  if (late) return false
  if (dueTasks < window) return true
  if (dueTasks >= largestWindow || outlook.queue.paces.known(task.kind) === null) return false
  return dueMs + taskMs(outlook, task) <= horizonMs
}

type Best<T extends Task> = { readonly best: Share<T> | null; readonly bestOpen: Share<T> | null }

/** The share that finishes the task first, of all and of those with room. */
function findBest<T extends Task>(shares: readonly Share<T>[], task: T, window: number): Best<T> {
  let best: Share<T> | null = null
  let bestOpen: Share<T> | null = null
  for (const share of shares) {
    if (best === null || compare(share, best, task) < 0) best = share
    if (bestOpen !== null && compare(share, bestOpen, task) >= 0) continue
    if (hasRoom(share, task, window)) bestOpen = share
  }
  return { best, bestOpen }
}

/** Whether the best share, which has no room yet, still finishes the task earlier than one that has room. */
function isWorthWaiting<T extends Task>(best: Share<T>, bestOpen: Share<T>, task: T): boolean {
  if (best === bestOpen || best.outlook.queue.paces.known(task.kind) === null) return false
  return finishMs(best, task) * worthWaiting < finishMs(bestOpen, task)
}

function compare<T extends Task>(a: Share<T>, b: Share<T>, task: T): number {
  const sooner = finishMs(a, task) - finishMs(b, task)
  return sooner || a.dueTasks - b.dueTasks || a.outlook.queue.workerId - b.outlook.queue.workerId
}

function finishMs<T extends Task>({ outlook, loadMs }: Share<T>, task: T): number {
  return loadMs + taskMs(outlook, task)
}

function take<T extends Task>(share: Share<T>, task: T): void {
  const tookMs = taskMs(share.outlook, task)
  share.loadMs += tookMs
  share.dueMs += tookMs
  share.dueTasks += 1
}
