import { agree, type CastVote } from './vote.ts'

/** The state of a task whose answers are doubted. */
export type VotingState = {
  /** How many workers have to agree: 1 where a single sound answer is enough, 2 in an audit. */
  readonly votesNeeded: 1 | 2
  readonly votes: readonly CastVote[]
  /** Active workers, whether or not they have answered. */
  readonly present: ReadonlySet<number>
  /** Workers that left after a finite answer of theirs contradicted another worker's. */
  readonly left: readonly number[]
}

/** What to do next with a task. */
export type Decision =
  /**
   * Accept the answer of `workerId`; the workers in `wrong` were wrong. `isLone`: an audit had nobody to compare with.
   */
  | {
      readonly type: 'accept'
      readonly workerId: number
      readonly wrong: readonly number[]
      readonly isLone: boolean
    }
  /** Ask for this many more answers, from workers that are not barred. */
  | { readonly type: 'ask'; readonly answers: number; readonly barred: ReadonlySet<number> }
  /** The result is not finite, whoever computes it. */
  | { readonly type: 'unsound'; readonly workers: readonly number[] }
  /** These workers contradict each other, also when asked again, and no other worker is left to ask. */
  | { readonly type: 'undecided'; readonly workers: readonly number[] }

/**
 * Decides on a task.
 * - Two workers that agree are right.
 * - Until two agree, or one sound answer is enough, another worker is asked. If there is none, every worker is asked
 *   once more.
 * - An unsound answer does not contradict a sound one: the sound one shows that the shard can be computed.
 * - Workers that gave two different answers are not in `votes`: the caller has removed them.
 */
export function decide(given: VotingState): Decision {
  const { votesNeeded, votes, present } = given
  const agreed = votes.find(one => votes.some(other => other !== one && agree(one.vote, other.vote)))
  if (agreed !== undefined) return agreed.vote.isSound ? accept(agreed, given) : unsoundOf(votes)
  const sound = votes.find(({ vote }) => vote.isSound)
  if (votesNeeded === 1 && sound !== undefined) return accept(sound, given)
  const hasVoted = (workerId: number) => votes.some(each => each.workerId === workerId)
  if (votes.length === 0) return { type: 'ask', answers: votesNeeded, barred: new Set() }
  if ([...present].some(workerId => !hasVoted(workerId))) return ask(1, votes)
  return decideWithoutOthers(given)
}

/** Decides when no two answers agree and every worker has answered. */
function decideWithoutOthers(given: VotingState): Decision {
  const { votes, left } = given
  const [first] = votes as [CastVote]
  if (votes.length === 1 && left.length === 0 && first.vote.isSound) return { ...accept(first, given), isLone: true }
  const again = votes.filter(({ times }) => times === 1)
  if (again.length > 0)
    return ask(
      again.length,
      votes.filter(each => !again.includes(each)),
    )
  const sound = votes.filter(({ vote }) => vote.isSound)
  if (sound.length === 0) return unsoundOf(votes)
  if (sound.length === 1 && left.length === 0) return { ...accept(sound[0]!, given), isLone: true }
  return { type: 'undecided', workers: [...votes.map(({ workerId }) => workerId), ...left] }
}

function accept({ workerId, vote }: CastVote, { votes }: VotingState) {
  const wrong = votes.filter(other => !agree(vote, other.vote)).map(other => other.workerId)
  return { type: 'accept', workerId, wrong, isLone: false } as const
}

function ask(answers: number, barred: readonly CastVote[]): Decision {
  return { type: 'ask', answers, barred: new Set(barred.map(({ workerId }) => workerId)) }
}

function unsoundOf(votes: readonly CastVote[]): Decision {
  const unsound = votes.filter(({ vote }) => !vote.isSound)
  return { type: 'unsound', workers: unsound.map(({ workerId }) => workerId) }
}
