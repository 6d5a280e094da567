import { LockstepError } from '@lockstep/protocol'
import { describeTask, type Task } from '../schedule/task.ts'
import { type Decision, decide, type VotingState } from './decide.ts'
import { agree, type CastVote, contradict, type Vote } from './vote.ts'

/** A task whose answers may be doubted. `votesNeeded` says how many workers have to agree. */
export type VotedTask = Task & { readonly votesNeeded: VotingState['votesNeeded'] }

/** Receives the decisions on doubted answers. It is called once all state is consistent, so it may drop workers. */
export type DecisionListener = {
  /** The worker's answer is not finite. */
  readonly onUnsound: (workerId: number, task: VotedTask) => void
  /** The worker's answer is not finite, but another worker's is. */
  readonly onRefuted: (workerId: number, task: VotedTask) => void
  /** The worker has computed wrongly and must get no further tasks. */
  readonly onWrong: (workerId: number, task: VotedTask, reason: string) => void
  /** The task has a result. `isLone`: it should have been compared, but there was no second worker. */
  readonly onAccepted: (task: VotedTask, isLone: boolean) => void
  readonly nameOf: (workerId: number) => string
}

export type VotingOptions<Result, T> = {
  /** Asks for this many more answers, from workers that are not barred. */
  readonly ask: (task: T, answers: number, barred: ReadonlySet<number>) => void
  readonly settle: (task: T, result: Result) => void
  readonly fail: (task: T, error: LockstepError) => void
  readonly listener: DecisionListener
}

/** The tasks on which several workers vote. */
export type Voting<Result, T> = {
  readonly cast: (task: T, workerId: number, vote: Vote, result: Result) => void
  /** Whether the task needs more than one further answer to be settled. */
  readonly isOpen: (key: string) => boolean
  readonly forget: (key: string) => void
  readonly join: (workerId: number) => void
  /** Voids the worker's votes: it may rejoin under another id and cast them again. */
  readonly leave: (workerId: number) => void
  /** Passes all decisions since the last call to the listener. */
  readonly announce: () => void
}

type VoteWithResult<Result> = CastVote & { readonly result: Result }

type Poll<Result, T> = { readonly task: T; votes: readonly VoteWithResult<Result>[]; left: readonly number[] }

export function createVoting<Result, T extends VotedTask>(options: VotingOptions<Result, T>): Voting<Result, T> {
  const { listener } = options
  const open = new Map<string, Poll<Result, T>>()
  const present = new Set<number>()
  const news: (() => void)[] = []

  function cast(task: T, workerId: number, vote: Vote, result: Result): void {
    if (!vote.isSound) news.push(() => listener.onUnsound(workerId, task))
    const poll = open.get(task.key) ?? { task, votes: [], left: [] }
    open.set(task.key, poll)
    const before = poll.votes.find(each => each.workerId === workerId)
    const others = poll.votes.filter(each => each !== before)
    const isSteady = before === undefined || agree(before.vote, vote)
    before?.vote.drop()
    if (isSteady || task.votesNeeded === 1) {
      poll.votes = [...others, { workerId, vote, result, times: before === undefined ? 1 : 2 }]
    } else {
      vote.drop()
      poll.votes = others
      distrust(workerId, task, `it has computed ${describeTask(task)} twice, with different results`)
    }
    decideOn(poll)
  }

  function decideOn(poll: Poll<Result, T>): void {
    const { task, votes, left } = poll
    const decision = decide({ votesNeeded: task.votesNeeded, votes, present, left })
    if (decision.type === 'ask') return options.ask(task, decision.answers, decision.barred)
    open.delete(task.key)
    if (decision.type === 'accept') accept(poll, decision)
    for (const { vote } of votes) vote.drop()
    if (decision.type !== 'accept') options.fail(task, failure(task, decision, listener.nameOf))
  }

  function accept({ task, votes }: Poll<Result, T>, decision: Extract<Decision, { type: 'accept' }>): void {
    const { vote, result } = votes.find(each => each.workerId === decision.workerId)!
    vote.accept()
    news.push(() => listener.onAccepted(task, decision.isLone))
    for (const wrong of decision.wrong) {
      if (task.votesNeeded === 1 || decision.isLone) news.push(() => listener.onRefuted(wrong, task))
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
    for (const poll of [...open.values()]) {
      const own = poll.votes.find(each => each.workerId === workerId)
      own?.vote.drop()
      poll.votes = poll.votes.filter(each => each !== own)
      const contradicts = poll.votes.some(each => own !== undefined && contradict(each.vote, own.vote))
      if (contradicts && isMissed) poll.left = [...poll.left, workerId]
      decideOn(poll)
    }
  }

  function forget(key: string): void {
    for (const { vote } of open.get(key)?.votes ?? []) vote.drop()
    open.delete(key)
  }

  return {
    cast,
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
  { type, workers }: Extract<Decision, { type: 'unsound' | 'undecided' }>,
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
