import type { MessageOf } from '@lockstep/protocol'
import { describeTask } from '../schedule/task.ts'
import type { Member } from './member.ts'
import { type Patience, seconds } from './patience.ts'

/**
 * Takes a heartbeat. Between two of them a hang counts for as long at most as a member may be silent: a process that was
 * suspended, this one or the worker's, has not been at work.
 */
export function noteHeartbeat(
  member: Member,
  heartbeat: MessageOf<'heartbeat'>,
  patience: Pick<Patience, 'silenceMs' | 'duty'>,
  nowMs: number,
): void {
  const { pending, quietMs } = heartbeat
  const { silenceMs } = patience
  const heardOfMs = member.heartbeat?.quietMs ?? 0
  const isQuiet = pending > 0 && quietMs >= heardOfMs
  member.hangingMs = isQuiet ? member.hangingMs + Math.min(quietMs - heardOfMs, silenceMs) : 0
  noteReading(member, heartbeat, patience, Math.min(nowMs - member.heartbeatAt, silenceMs))
  member.heartbeat = heartbeat
  member.heartbeatAt = nowMs
}

/**
 * What was sent before the heartbeat that is echoed has come. Where that is what the worker has to do, and it says that it has
 * nothing to do, it has lost it.
 */
function noteReading(
  member: Member,
  heartbeat: MessageOf<'heartbeat'>,
  { duty }: Pick<Patience, 'duty'>,
  sinceLastMs: number,
): void {
  const readsOn = echoedMs(heartbeat) > echoedMs(member.heartbeat)
  member.deafMs = readsOn ? 0 : member.deafMs + sinceLastMs
  const dueSinceMs = duty(member.facts!.id)?.sinceMs ?? Number.POSITIVE_INFINITY
  if (heartbeat.pending > 0 || echoedMs(heartbeat) < dueSinceMs) member.idleMs = 0
  // Until it does, what leads to the step of its task may be on its way.
  else if (readsOn) member.idleMs += sinceLastMs
}

/** When the last of the coordinator's heartbeats that has come to the worker was sent. */
function echoedMs(heartbeat: MessageOf<'heartbeat'> | null): number {
  return heartbeat?.echo?.sentMs ?? Number.NEGATIVE_INFINITY
}

/** Why the computing thread of an active member counts as hung, or null. */
export function findHang(member: Member, patience: Patience, nowMs: number): string | null {
  const { facts, hangingMs, heartbeat } = member
  if (facts === null) return null
  if (hangingMs > 0 && hangingMs > patience.hangMs(facts.id))
    return `hung at step ${heartbeat?.step} for ${seconds(hangingMs)}`
  return member.idleMs > 0 ? findLostTask(member, facts.id, patience, nowMs) : null
}

/** It goes on to say that it has nothing to do, and holds a task: it would hold that one forever. */
function findLostTask({ idleMs }: Member, workerId: number, { hangMs, duty }: Patience, nowMs: number): string | null {
  const owed = duty(workerId)
  if (owed === null) return null
  // What it has held before this task does not count.
  const lostMs = Math.min(idleMs, nowMs - owed.sinceMs)
  if (lostMs <= hangMs(workerId)) return null
  return `reports no work, but has not answered ${describeTask(owed.task)} for ${seconds(lostMs)}`
}
