import type { MessageOf } from '@lockstep/protocol'
import type { EventListener } from '../events.ts'
import type { LossCause } from '../metrics.ts'
import { closeDesk, type Member, type Roster } from './member.ts'
import type { Fault } from './patience.ts'

export type DeparturesOptions = {
  readonly onEvent: EventListener
  /** `failure` is what it has said when it could not go on; null where it has ended in another way. */
  readonly onLeave: (workerId: number, failure: string | null) => void
  /** A worker is about to be sent away because what it computes has hung for so long. */
  readonly onHang: (workerId: number, hangingMs: number) => void
  /** A worker has been welcomed to a later life of the run. */
  readonly onSuperseded: (reason: string) => void
}

/** The ways in which a connection ends, and its worker takes part no longer. */
export type Departures = {
  /** Sends it away; it may come back. Its outcome is `refused: ` and the reason. */
  readonly refuse: (member: Member, reason: string) => void
  /** Its connected thread still listens, and can see to another computing thread. */
  readonly sendForAnother: (member: Member, hang: string) => void
  /** Ends it without a word, which would not be read. */
  readonly cutOff: (member: Member, fault: Fault) => void
  /** It has said goodbye. */
  readonly letGo: (member: Member, bye: MessageOf<'bye'>) => void
  /** Takes it out, with this outcome. */
  readonly leave: (member: Member, cause: LossCause, outcome: string) => void
  /** Ends it because the run has ended: nobody is told that it is lost. */
  readonly dismiss: (member: Member, bye: MessageOf<'bye'>) => void
}

export function createDepartures({ present, taking }: Roster, options: DeparturesOptions): Departures {
  const { onEvent, onLeave, onHang, onSuperseded } = options

  function refuse(member: Member, reason: string): void {
    if (!member.active) onEvent({ type: 'refused', address: member.address, reason })
    member.connection.close({ type: 'bye', code: 'refused', reason })
    leave(member, 'refused', `refused: ${reason}`)
  }

  function sendForAnother(member: Member, hang: string): void {
    // One that has lost its task has not hung at it.
    if (member.active && member.facts !== null && member.hangingMs > 0) onHang(member.facts.id, member.hangingMs)
    member.connection.close({ type: 'bye', code: 'hung', reason: hang })
    leave(member, 'hung', hang)
  }

  function cutOff(member: Member, { cause, reason }: Fault): void {
    leave(member, cause, reason)
    member.connection.terminate()
  }

  function letGo(member: Member, bye: MessageOf<'bye'>): void {
    member.connection.close({ type: 'bye', code: 'finished', reason: 'goodbye' })
    const { code, reason } = bye
    const cause = code === 'failed' || code === 'uncomputable' ? code : 'left'
    if (cause !== 'left') tellOfFailure(member, reason)
    leave(member, cause, reason)
    if (code === 'superseded' && member.facts !== null) onSuperseded(reason)
  }

  /** Of one that has failed before it took part nobody would hear, for there is none to lose. */
  function tellOfFailure({ address, facts, active, gone }: Member, failure: string): void {
    if (active || gone || facts === null) return
    onEvent({ type: 'refused', address, reason: `${facts.name} on ${facts.host} cannot take part: ${failure}` })
  }

  function leave(member: Member, cause: LossCause, outcome: string): void {
    if (member.gone) return
    member.cause = cause
    member.outcome = outcome
    present.delete(member)
    part(member)
    if (!member.active || member.facts === null) return
    taking.delete(member.facts.id)
    onEvent({ type: 'worker-lost', worker: member.facts, cause, reason: outcome, active: taking.size })
    onLeave(member.facts.id, cause === 'failed' || cause === 'uncomputable' ? outcome : null)
  }

  function dismiss(member: Member, bye: MessageOf<'bye'>): void {
    part(member)
    member.connection.close(bye)
  }

  return { refuse, sendForAnother, cutOff, letGo, leave, dismiss }
}

function part(member: Member): void {
  member.gone = true
  closeDesk(member)
  member.lane?.terminate()
}
