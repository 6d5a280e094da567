import { areAlike, type Heard } from './opinion.ts'

/** What is known of a task whose answers are doubted. */
export type Case = {
  /** How many workers have to agree: 1 where a single sound answer is believed, 2 in an audit. */
  readonly voices: 1 | 2
  readonly heard: readonly Heard[]
  /** Workers that take part, whoever is heard among them. */
  readonly present: ReadonlySet<number>
  /** Workers that have left after something finite of theirs had contradicted others'. */
  readonly left: readonly number[]
}

/** What is to be done about it. */
export type Ruling =
  /** Believe this worker; those have been wrong. `isLone`: in an audit there was nobody to compare with. */
  | {
      readonly type: 'accept'
      readonly workerId: number
      readonly wrong: readonly number[]
      readonly isLone: boolean
    }
  /** Hear so many more, but not these. */
  | { readonly type: 'ask'; readonly answers: number; readonly barred: ReadonlySet<number> }
  /** It is not finite, whoever computes it. */
  | { readonly type: 'unsound'; readonly workers: readonly number[] }
  /** These contradict each other, also when asked again, and there is nobody else to ask. */
  | { readonly type: 'undecided'; readonly workers: readonly number[] }

/**
 * Two workers that agree are right. Until two do, or one is enough, somebody else is asked; where there is nobody else,
 * all are asked once more. What is not finite contradicts nothing that is: the same shard has been computed otherwise. Of a
 * worker that answers differently the second time nothing is heard here.
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

/** No two agree, and everybody has been heard. */
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
