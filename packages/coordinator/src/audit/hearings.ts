import { LockstepError } from '@lockstep/protocol'
import { describeTask, type Task } from '../schedule/task.ts'
import { type Case, judge, type Ruling } from './judge.ts'
import { areAlike, contradict, type Heard, type Opinion } from './opinion.ts'

/** A task whose answers may be doubted. `voices` says how many workers have to agree. */
export type HearableTask = Task & { readonly voices: Case['voices'] }

/** Receives the rulings on doubted answers. It is called once all state is consistent, so it may drop workers. */
export type HearingListener = {
  /** The worker's answer is not finite. */
  readonly onUnsound: (workerId: number, task: HearableTask) => void
  /** The worker's answer is not finite, but another worker's is. */
  readonly onRefuted: (workerId: number, task: HearableTask) => void
  /** The worker has computed wrongly and must get no further tasks. */
  readonly onWrong: (workerId: number, task: HearableTask, reason: string) => void
  /** The task has a result. `isLone`: it should have been compared, but there was no second worker. */
  readonly onAccepted: (task: HearableTask, isLone: boolean) => void
  readonly nameOf: (workerId: number) => string
}

export type HearingsOptions<Result, T> = {
  /** Asks for this many more answers, from workers that are not barred. */
  readonly ask: (task: T, answers: number, barred: ReadonlySet<number>) => void
  readonly settle: (task: T, result: Result) => void
  readonly fail: (task: T, error: LockstepError) => void
  readonly listener: HearingListener
}

/** The tasks on which several workers give an opinion. */
export type Hearings<Result, T> = {
  readonly hear: (task: T, workerId: number, opinion: Opinion, result: Result) => void
  /** Whether the task needs more than one further answer to be settled. */
  readonly isOpen: (key: string) => boolean
  readonly forget: (key: string) => void
  readonly join: (workerId: number) => void
  /** Voids the worker's opinions: it may rejoin under another id and give them again. */
  readonly leave: (workerId: number) => void
  /** Passes all rulings since the last call to the listener. */
  readonly announce: () => void
}

type Testimony<Result> = Heard & { readonly result: Result }

type Hearing<Result, T> = { readonly task: T; heard: readonly Testimony<Result>[]; left: readonly number[] }

export function createHearings<Result, T extends HearableTask>(
  options: HearingsOptions<Result, T>,
): Hearings<Result, T> {
  const { listener } = options
  const open = new Map<string, Hearing<Result, T>>()
  const present = new Set<number>()
  const news: (() => void)[] = []

  function hear(task: T, workerId: number, opinion: Opinion, result: Result): void {
    if (!opinion.isSound) news.push(() => listener.onUnsound(workerId, task))
    const hearing = open.get(task.key) ?? { task, heard: [], left: [] }
    open.set(task.key, hearing)
    const before = hearing.heard.find(each => each.workerId === workerId)
    const others = hearing.heard.filter(each => each !== before)
    const isSteady = before === undefined || areAlike(before.opinion, opinion)
    before?.opinion.drop()
    if (isSteady || task.voices === 1) {
      hearing.heard = [...others, { workerId, opinion, result, times: before === undefined ? 1 : 2 }]
    } else {
      opinion.drop()
      hearing.heard = others
      distrust(workerId, task, `it has computed ${describeTask(task)} twice, with different results`)
    }
    rule(hearing)
  }

  function rule(hearing: Hearing<Result, T>): void {
    const { task, heard, left } = hearing
    const ruling = judge({ voices: task.voices, heard, present, left })
    if (ruling.type === 'ask') return options.ask(task, ruling.answers, ruling.barred)
    open.delete(task.key)
    if (ruling.type === 'accept') accept(hearing, ruling)
    for (const { opinion } of heard) opinion.drop()
    if (ruling.type !== 'accept') options.fail(task, failure(task, ruling, listener.nameOf))
  }

  function accept({ task, heard }: Hearing<Result, T>, ruling: Extract<Ruling, { type: 'accept' }>): void {
    const { opinion, result } = heard.find(each => each.workerId === ruling.workerId)!
    opinion.accept()
    news.push(() => listener.onAccepted(task, ruling.isLone))
    for (const wrong of ruling.wrong) {
      if (task.voices === 1 || ruling.isLone) news.push(() => listener.onRefuted(wrong, task))
      else distrust(wrong, task, `its result for ${describeTask(task)} differs from what two others computed`)
    }
    options.settle(task, result)
  }

  function distrust(workerId: number, task: T, reason: string): void {
    present.delete(workerId)
    news.push(() => listener.onWrong(workerId, task, reason))
  }

  function leave(workerId: number): void {
    // A distrusted worker is no longer in `present`. Its contradictions do not count.
    const isMissed = present.delete(workerId)
    for (const hearing of [...open.values()]) {
      const own = hearing.heard.find(each => each.workerId === workerId)
      own?.opinion.drop()
      hearing.heard = hearing.heard.filter(each => each !== own)
      const contradicts = hearing.heard.some(each => own !== undefined && contradict(each.opinion, own.opinion))
      if (contradicts && isMissed) hearing.left = [...hearing.left, workerId]
      rule(hearing)
    }
  }

  function forget(key: string): void {
    for (const { opinion } of open.get(key)?.heard ?? []) opinion.drop()
    open.delete(key)
  }

  return {
    hear,
    leave,
    forget,
    isOpen: key => open.has(key),
    join: workerId => void present.add(workerId),
    announce: () => {
      for (let tell = news.shift(); tell !== undefined; tell = news.shift()) tell()
    },
  }
}

function failure(
  task: Task,
  { type, workers }: Extract<Ruling, { type: 'unsound' | 'undecided' }>,
  nameOfWorker: (workerId: number) => string,
): LockstepError {
  const names = workers.map(nameOfWorker).join(' and ')
  if (type === 'unsound')
    return new LockstepError(
      'not-finite',
      `${describeTask(task)} is not finite, computed ${workers.length === 1 ? 'twice ' : ''}by ${names}`,
    )
  return new LockstepError(
    'workers-disagree',
    `${names} get different results for ${describeTask(task)}, even when asked again`,
    {
      hint: 'One of them computes wrongly, or their CPUs differ. Continue with --resume and either add a third worker, which decides, or leave one of them out.',
    },
  )
}
