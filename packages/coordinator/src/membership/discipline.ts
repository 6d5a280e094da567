import type { EventListener } from '../events.ts'
import type { LossCause } from '../metrics.ts'
import type { Member } from './member.ts'
import { createStanding, type Standing } from './standing.ts'

export type DisciplineOptions = {
  /** Drops a worker, which may reconnect. Its outcome is `refused: ` and the reason. */
  readonly refuse: (member: Member, reason: string) => void
  /** Removes a worker, with this outcome. */
  readonly leave: (member: Member, cause: LossCause, outcome: string) => void
  readonly onEvent: EventListener
}

/** Decides what happens to workers whose answers are wrong. */
export type Discipline = {
  /** Why a worker of this name and host may no longer join, or null. */
  readonly findObjection: Standing['refuse']
  /** Counts and reports an answer that cannot be used. */
  readonly note: (member: Member, reason: string) => void
  /** Counts a wrong answer against a worker, and excludes the worker once there are too many. */
  readonly charge: (member: Member, reason: string) => void
  /** Charges a worker with an answer that no correct worker gives, and drops it. */
  readonly accuse: (member: Member, reason: string) => void
  /** Drops a worker for good. */
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
