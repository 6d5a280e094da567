import { areAlike, type Heard } from './opinion.ts'

/** The state of a task whose answers are doubted. */
export type Case = {
  /** How many workers have to agree: 1 where a single sound answer is enough, 2 in an audit. */
  readonly voices: 1 | 2
  readonly heard: readonly Heard[]
  /** Active workers, whether or not they have answered. */
  readonly present: ReadonlySet<number>
  /** Workers that left after a finite answer of theirs contradicted another worker's. */
  readonly left: readonly number[]
}

/** What to do next with a task. */
export type Ruling =
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
 * Rules on a task.
 * - Two workers that agree are right.
 * - Until two agree, or one sound answer is enough, another worker is asked. If there is none, every worker is asked
 *   once more.
 * - An unsound answer does not contradict a sound one: the sound one shows that the shard can be computed.
 * - Workers that gave two different answers are not in `heard`: the caller has removed them.
 */
export function judge(given: Case): Ruling {
  const { voices, heard, present } = given
  const agreed = heard.find(one => heard.some(other => other !== one && areAlike(one.opinion, other.opinion)))
  if (agreed !== undefined) return agreed.opinion.isSound ? accept(agreed, given) : unsoundOf(heard)
  const sound = heard.find(({ opinion }) => opinion.isSound)
  if (voices === 1 && sound !== undefined) return accept(sound, given)
  const isHeard = (workerId: number) => heard.some(each => each.workerId === workerId)
  if (heard.length === 0) return { type: 'ask', answers: voices, barred: new Set() }
  if ([...present].some(workerId => !isHeard(workerId))) return ask(1, heard)
  return judgeAmongThemselves(given)
}

/** Rules when no two answers agree and every worker has answered. */
function judgeAmongThemselves(given: Case): Ruling {
  const { heard, left } = given
  const [first] = heard as [Heard]
  if (heard.length === 1 && left.length === 0 && first.opinion.isSound) return { ...accept(first, given), isLone: true }
  const again = heard.filter(({ times }) => times === 1)
  if (again.length > 0)
    return ask(
      again.length,
      heard.filter(each => !again.includes(each)),
    )
  const sound = heard.filter(({ opinion }) => opinion.isSound)
  if (sound.length === 0) return unsoundOf(heard)
  if (sound.length === 1 && left.length === 0) return { ...accept(sound[0]!, given), isLone: true }
  return { type: 'undecided', workers: [...heard.map(({ workerId }) => workerId), ...left] }
}

function accept({ workerId, opinion }: Heard, { heard }: Case) {
  const wrong = heard.filter(other => !areAlike(opinion, other.opinion)).map(other => other.workerId)
  return { type: 'accept', workerId, wrong, isLone: false } as const
}

function ask(answers: number, barred: readonly Heard[]): Ruling {
  return { type: 'ask', answers, barred: new Set(barred.map(({ workerId }) => workerId)) }
}

function unsoundOf(heard: readonly Heard[]): Ruling {
  const unsound = heard.filter(({ opinion }) => !opinion.isSound)
  return { type: 'unsound', workers: unsound.map(({ workerId }) => workerId) }
}
