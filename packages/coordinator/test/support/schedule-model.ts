import { createSchedule } from '../../src/schedule/schedule.ts'
import type { Task } from '../../src/schedule/task.ts'

export type ScheduleCommand =
  | { readonly type: 'add'; readonly count: number }
  | { readonly type: 'join' }
  | { readonly type: 'leave'; readonly worker: number }
  | { readonly type: 'complete'; readonly worker: number }
  | { readonly type: 'assign' }

/** By then, every task that is held is late. */
const muchLaterMs = 1e9

/**
 * A schedule beside a plain record of what must be true of it. As in a run, a worker can do a task only when all tasks
 * of earlier steps are done.
 */
export function createScheduleModel(window: number) {
  const schedule = createSchedule<Task>(window)
  const pending = new Map<string, Task>()
  const held = new Map<number, Map<string, Task>>()
  let [nextStep, nextWorker] = [0, 1]

  const undone = () => [...pending.values(), ...[...held.values()].flatMap(tasks => [...tasks.values()])]
  const dueBy = (tasks: ReadonlyMap<string, Task>, step: number) =>
    [...tasks.values()].filter(task => task.step <= step).length

  function run(command: ScheduleCommand): void {
    if (command.type === 'add') addStep(command.count)
    else if (command.type === 'join') join()
    else if (command.type === 'leave') leave(nth(command.worker))
    else if (command.type === 'complete') completeOne(nth(command.worker))
    else assign()
  }

  const nth = (index: number) => [...held.keys()][index % Math.max(1, held.size)]

  function addStep(count: number): void {
    const step = nextStep++
    for (let index = 0; index < count; index++) {
      const task: Task = { key: `${step}:${index}`, step, index, kind: 'gradient', samples: 1 }
      pending.set(task.key, task)
      schedule.add(task)
    }
  }

  function join(): void {
    held.set(nextWorker, new Map())
    schedule.join(nextWorker++, 0)
  }

  function leave(worker: number | undefined): void {
    if (worker === undefined) return
    for (const [key, task] of held.get(worker)!) pending.set(key, task)
    held.delete(worker)
    schedule.leave(worker)
  }

  function completeOne(worker: number | undefined): void {
    const current = Math.min(...undone().map(task => task.step))
    const task = [...(held.get(worker ?? -1)?.values() ?? [])].find(({ step }) => step === current)
    if (worker === undefined || task === undefined) return
    held.get(worker)!.delete(task.key)
    schedule.complete(worker, task.key, 0)
  }

  function assign(): void {
    for (const { workerId, task } of schedule.assign(0)) {
      must(pending.delete(task.key), `${task.key} was assigned but is not pending`)
      must(dueBy(held.get(workerId)!, task.step) < window, `${task.key} was given to a worker that has enough to do`)
      held.get(workerId)!.set(task.key, task)
    }
    for (const { step } of pending.values()) {
      for (const tasks of held.values())
        must(dueBy(tasks, step) >= window, 'a task is pending though a worker has room for it')
    }
  }

  /**
   * The schedule finds exactly the tasks that each worker holds. When it reports that it is settled, nothing is left to
   * assign or copy.
   */
  function check(): void {
    for (const task of undone()) {
      for (const [worker, tasks] of held) {
        must(schedule.find(worker, task.key) === (tasks.get(task.key) ?? null), `${task.key} is held wrongly`)
      }
    }
    if (!schedule.isSettled()) return
    must(schedule.assign(muchLaterMs).length === 0, 'a task was pending')
    must(schedule.speculate(muchLaterMs).length === 0, 'a worker had nothing to do')
  }

  /** Lets the workers, or a new one if there are none, complete everything. Each round must complete something. */
  function finish(): void {
    if (held.size === 0) join()
    for (let left = undone().length; left > 0; left = undone().length) {
      assign()
      for (const worker of held.keys()) completeOne(worker)
      must(undone().length < left, 'nothing gets done any more')
    }
  }

  return { run, check, finish, undone }
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}
