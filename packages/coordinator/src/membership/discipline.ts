import type { EventListener } from '../events.ts'
import type { LossCause } from '../metrics.ts'
import type { Member } from './member.ts'
import { createStanding, type Standing } from './standing.ts'

export type DisciplineOptions = {
  /** Sends a worker away, which may come back; its outcome is `refused: ` and the reason. */
  readonly refuse: (member: Member, reason: string) => void
  /** Takes a worker out, with this outcome. */
  readonly leave: (member: Member, cause: LossCause, outcome: string) => void
  readonly onEvent: EventListener
}

/** What becomes of workers whose answers are wrong. */
export type Discipline = {
  /** Why a worker of this name may not take part any more, or null. */
  readonly findObjection: Standing['refuse']
  /** Counts an answer that cannot be used. */
  readonly note: (member: Member, reason: string) => void
  /** Holds an answer against a worker that may stay, unless it was one too many. */
  readonly charge: (member: Member, reason: string) => void
  /** Sends a worker away for an answer that no right one gives. */
  readonly accuse: (member: Member, reason: string) => void
  /** Sends a worker away for good. */
  readonly exclude: (member: Member, reason: string) => void
}

export function createDiscipline({ refuse, leave, onEvent }: DisciplineOptions): Discipline {
  const standing = createStanding()

  function charge(member: Member, reason: string): void {
    if (!member.gone && standing.charge(member.facts!)) exclude(member, reason)
  }

  function accuse(member: Member, reason: string): void {
    member.refused += 1
    charge(member, reason)
    if (!member.gone) refuse(member, reason)
  }

  function exclude(member: Member, reason: string): void {
    standing.exclude(member.facts!, reason)
    member.trusted = false
    member.connection.close({ type: 'bye', code: 'refused', reason: `excluded: ${reason}` })
    leave(member, 'excluded', `excluded: ${reason}`)
  }

  function note(member: Member, reason: string): void {
    member.refused += 1
    onEvent({ type: 'answer-refused', worker: member.facts!, reason })
  }

  return { findObjection: standing.refuse, note, charge, accuse, exclude }
}
