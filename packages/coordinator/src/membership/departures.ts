import type { MessageOf } from '@lockstep/protocol'
import type { EventListener } from '../events.ts'
import type { LossCause } from '../metrics.ts'
import { closeDesk, type Member, type Roster } from './member.ts'
import type { Fault } from './timeouts.ts'

export type DeparturesOptions = {
  readonly onEvent: EventListener
  /** `failure` is the reason the worker gave when it could not continue; null where it left in another way. */
  readonly onLeave: (workerId: number, failure: string | null) => void
  /** A worker is about to be dropped because its computation has hung for this long. */
  readonly onHang: (workerId: number, hangingMs: number) => void
  /** The worker knows a later life of the run. */
  readonly onSuperseded: (reason: string) => void
}

/** The ways in which a connection ends and its worker leaves. */
export type Departures = {
  /** Drops the worker, which may reconnect. Its outcome is `refused: ` and the reason. */
  readonly refuse: (member: Member, reason: string) => void
  /**
   * Drops a worker whose computation hangs. Its connected thread still reads, and can start another computing thread.
   */
  readonly dropHung: (member: Member, hang: string) => void
  /** Terminates the connection without a message, since the worker would not read one. */
  readonly cutOff: (member: Member, fault: Fault) => void
  /** Handles the worker's `bye`. */
  readonly receiveBye: (member: Member, bye: MessageOf<'bye'>) => void
  /** Removes the worker, with this outcome. */
  readonly leave: (member: Member, cause: LossCause, outcome: string) => void
  /** Closes the connection because the run has ended, without reporting the worker as lost. */
  readonly dismiss: (member: Member, bye: MessageOf<'bye'>) => void
}

export function createDepartures({ present, activeMembers }: Roster, options: DeparturesOptions): Departures {
  const { onEvent, onLeave, onHang, onSuperseded } = options

  function refuse(member: Member, reason: string): void {
    if (!member.active) onEvent({ type: 'refused', address: member.address, reason })
    member.connection.close({ type: 'bye', code: 'refused', reason })
    leave(member, 'refused', `refused: ${reason}`)
  }

  function dropHung(member: Member, hang: string): void {
    // A worker with no open task has not hung.
    if (member.active && member.facts !== null && member.hangingMs > 0) onHang(member.facts.id, member.hangingMs)
    member.connection.close({ type: 'bye', code: 'hung', reason: hang })
    leave(member, 'hung', hang)
  }

  function cutOff(member: Member, { cause, reason }: Fault): void {
    leave(member, cause, reason)
    member.connection.terminate()
  }

  function receiveBye(member: Member, bye: MessageOf<'bye'>): void {
    member.connection.close({ type: 'bye', code: 'finished', reason: 'goodbye' })
    const { code, reason } = bye
    const cause = code === 'failed' || code === 'uncomputable' ? code : 'left'
    if (cause !== 'left') tellOfFailure(member, reason)
    leave(member, cause, reason)
    if (code === 'superseded' && member.facts !== null) onSuperseded(reason)
  }

  /** A worker that fails before it is active is not reported as lost, so this reports it. */
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
    activeMembers.delete(member.facts.id)
    onEvent({ type: 'worker-lost', worker: member.facts, cause, reason: outcome, active: activeMembers.size })
    onLeave(member.facts.id, cause === 'failed' || cause === 'uncomputable' ? outcome : null)
  }

  function dismiss(member: Member, bye: MessageOf<'bye'>): void {
    part(member)
    member.connection.close(bye)
  }

  return { refuse, dropHung, cutOff, receiveBye, leave, dismiss }
}

function part(member: Member): void {
  member.gone = true
  closeDesk(member)
  member.lane?.terminate()
}
