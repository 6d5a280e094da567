import type { MessageOf } from '@lockstep/protocol'
import { describeTask } from '../schedule/task.ts'
import type { Member } from './member.ts'
import { seconds, type Timeouts } from './timeouts.ts'

/**
 * Records a heartbeat. Between two heartbeats at most the permitted silence counts as hanging: a process that was
 * suspended, this one or the worker's, has not been computing.
 */
export function noteHeartbeat(
  member: Member,
  heartbeat: MessageOf<'heartbeat'>,
  timeouts: Pick<Timeouts, 'silenceMs' | 'dueTask'>,
  nowMs: number,
): void {
  const { pending, quietMs } = heartbeat
  const { silenceMs } = timeouts
  const heardOfMs = member.heartbeat?.quietMs ?? 0
  const isQuiet = pending > 0 && quietMs >= heardOfMs
  member.hangingMs = isQuiet ? member.hangingMs + Math.min(quietMs - heardOfMs, silenceMs) : 0
  noteReading(member, heartbeat, timeouts, Math.min(nowMs - member.heartbeatAt, silenceMs))
  member.heartbeat = heartbeat
  member.heartbeatAt = nowMs
}

/**
 * An echo shows that everything sent before the echoed heartbeat has arrived. If the worker's next task was sent before
 * that and the worker says it has nothing to do, it has lost the task.
 */
function noteReading(
  member: Member,
  heartbeat: MessageOf<'heartbeat'>,
  { dueTask }: Pick<Timeouts, 'dueTask'>,
  sinceLastMs: number,
): void {
  const readsOn = echoedMs(heartbeat) > echoedMs(member.heartbeat)
  member.deafMs = readsOn ? 0 : member.deafMs + sinceLastMs
  const dueSinceMs = dueTask(member.facts!.id)?.sinceMs ?? Number.POSITIVE_INFINITY
  if (heartbeat.pending > 0 || echoedMs(heartbeat) < dueSinceMs) member.idleMs = 0
  // Only counted while echoes advance: until then, a message that the task depends on may still be in transit.
  else if (readsOn) member.idleMs += sinceLastMs
}

/** When the newest of the coordinator's heartbeats that the worker has received was sent. */
function echoedMs(heartbeat: MessageOf<'heartbeat'> | null): number {
  return heartbeat?.echo?.sentMs ?? Number.NEGATIVE_INFINITY
}

/** Why the computing thread of an active member counts as hung, or null. */
export function findHang(member: Member, timeouts: Timeouts, nowMs: number): string | null {
  const { facts, hangingMs, heartbeat } = member
  if (facts === null) return null
  if (hangingMs > 0 && hangingMs > timeouts.hangMs(facts.id))
    return `hung at step ${heartbeat?.step} for ${seconds(hangingMs)}`
  return member.idleMs > 0 ? findLostTask(member, facts.id, timeouts, nowMs) : null
}

/** The worker keeps reporting that it has nothing to do, yet holds a task, which it would hold forever. */
function findLostTask(
  { idleMs }: Member,
  workerId: number,
  { hangMs, dueTask }: Timeouts,
  nowMs: number,
): string | null {
  const due = dueTask(workerId)
  if (due === null) return null
  // Time before this task was due does not count.
  const lostMs = Math.min(idleMs, nowMs - due.sinceMs)
  if (lostMs <= hangMs(workerId)) return null
  return `reports no work, but has not answered ${describeTask(due.task)} for ${seconds(lostMs)}`
}
