import type { EventListener } from '../events.ts'
import type { LossCause } from '../metrics.ts'
import type { Member } from './member.ts'
import { createWrongAnswers, type WrongAnswers } from './wrong-answers.ts'

export type ExclusionOptions = {
  /** Drops a worker, which may reconnect. Its outcome is `refused: ` and the reason. */
  readonly refuse: (member: Member, reason: string) => void
  /** Removes a worker, with this outcome. */
  readonly leave: (member: Member, cause: LossCause, outcome: string) => void
  readonly onEvent: EventListener
}

/** Decides what happens to workers whose answers are wrong. */
export type Exclusion = {
  /** Why a worker of this name and host may no longer join, or null. */
  readonly whyExcluded: WrongAnswers['whyExcluded']
  /** Counts and reports an answer that cannot be used. */
  readonly note: (member: Member, reason: string) => void
  /** Counts a wrong answer against a worker, and excludes the worker once there are too many. */
  readonly countWrongAnswer: (member: Member, reason: string) => void
  /** Counts an answer that no correct worker gives against a worker, and drops the worker. */
  readonly dropForWrongAnswer: (member: Member, reason: string) => void
  /** Drops a worker for good. */
  readonly exclude: (member: Member, reason: string) => void
}

export function createExclusion({ refuse, leave, onEvent }: ExclusionOptions): Exclusion {
  const wrongAnswers = createWrongAnswers()

  function countWrongAnswer(member: Member, reason: string): void {
    if (!member.gone && wrongAnswers.count(member.facts!)) exclude(member, reason)
  }

  function dropForWrongAnswer(member: Member, reason: string): void {
    member.refused += 1
    countWrongAnswer(member, reason)
    if (!member.gone) refuse(member, reason)
  }

  function exclude(member: Member, reason: string): void {
    wrongAnswers.exclude(member.facts!, reason)
    member.trusted = false
    member.connection.close({ type: 'bye', code: 'refused', reason: `excluded: ${reason}` })
    leave(member, 'excluded', `excluded: ${reason}`)
  }

  function note(member: Member, reason: string): void {
    member.refused += 1
    onEvent({ type: 'answer-refused', worker: member.facts!, reason })
  }

  return { whyExcluded: wrongAnswers.whyExcluded, note, countWrongAnswer, dropForWrongAnswer, exclude }
}
