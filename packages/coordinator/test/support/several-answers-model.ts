import { createSchedule } from '../../src/schedule/schedule.ts'
import type { Task } from '../../src/schedule/task.ts'

export type AnswersCommand = {
  readonly type: 'add' | 'join' | 'leave' | 'answer' | 'assign' | 'again'
  /** Chooses among the workers. */
  readonly nth: number
  /** How many answers are wanted to a task that is added or asked for again. */
  readonly answers: number
}

/** A schedule of tasks that need several answers, beside a plain record of what must be true of it. */
export function createSeveralAnswersModel() {
  const schedule = createSchedule<Task>(2)
  /** How many answers are still wanted, by task in the order of the steps. */
  const wanted = new Map<string, number>()
  /** The workers that have got each task since it was last open to all of them. */
  const asked = new Map<string, Set<number>>()
  const held = new Map<number, Set<string>>()
  let [step, workers] = [0, 0]

  const first = () => [...wanted.keys()][0]
  const holdersOf = (key: string) => [...held.keys()].filter(worker => held.get(worker)!.has(key))

  function run({ type, nth, answers }: AnswersCommand): void {
    const worker = [...held.keys()][nth % Math.max(1, held.size)]
    if (type === 'add') add(answers)
    else if (type === 'join') join()
    else if (type === 'assign') assign()
    else if (type === 'again') askAgain(answers)
    else if (type === 'leave' && worker !== undefined) leave(worker)
    else if (type === 'answer' && worker !== undefined && held.get(worker)!.has(first() ?? '')) answer(worker)
  }

  function add(answers: number): void {
    const task: Task = { key: `${step}:0`, step: step++, index: 0, kind: 'gradient', samples: 1 }
    wanted.set(task.key, answers)
    asked.set(task.key, new Set())
    schedule.add(task, answers)
  }

  function join(): void {
    held.set(++workers, new Set())
    schedule.join(workers, 0)
  }

  function leave(worker: number): void {
    held.delete(worker)
    schedule.leave(worker)
  }

  function assign(): void {
    for (const { workerId, task } of schedule.assign(0)) {
      const { key } = task
      must(!asked.get(key)!.has(workerId), `${key} was given to worker ${workerId} a second time`)
      asked.get(key)!.add(workerId)
      held.get(workerId)!.add(key)
      must(holdersOf(key).length <= wanted.get(key)!, `${key} was given to more workers than are wanted`)
    }
  }

  /** As in a run, only the task that is due can be answered. */
  function answer(worker: number): void {
    const key = first()!
    held.get(worker)!.delete(key)
    const left = wanted.get(key)! - 1
    wanted.set(key, left)
    if (left > 0) return schedule.answer(worker, key, 0)
    schedule.complete(worker, key, 0)
    wanted.delete(key)
  }

  /** Opens the task again to all workers that do not hold it. */
  function askAgain(answers: number): void {
    const key = first()
    if (key === undefined) return
    const holders = holdersOf(key)
    asked.set(key, new Set(holders))
    wanted.set(key, Math.max(1, holders.length, answers))
    schedule.ask(key, wanted.get(key)!, new Set())
  }

  /** Adds as many workers as it takes to complete everything. */
  function finish(): void {
    for (let rounds = 0; wanted.size > 0; rounds++) {
      must(rounds < 1000, 'nothing gets done any more')
      assign()
      const [holder] = holdersOf(first()!)
      if (holder === undefined) join()
      else answer(holder)
    }
  }

  return { run, finish }
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}
