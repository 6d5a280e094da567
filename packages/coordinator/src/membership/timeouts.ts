import { formatBytes } from '@lockstep/protocol'
import type { LossCause } from '../metrics.ts'
import type { RunPlan } from '../plan.ts'
import type { Task } from '../schedule/task.ts'
import type { DueTask } from '../schedule/worker-queue.ts'
import type { Member } from './member.ts'

/** How often coordinator and workers send heartbeats. */
export const heartbeatMs = 300

/** How long a member may be silent while most others are not. */
export const silenceMs = 5 * heartbeatMs

/** How long a peer may take, and how much it may leave unread. */
export type Timeouts = {
  readonly helloMs: number
  /** Until `ready`: loads TensorFlow, which may have to be downloaded first, and builds the model. */
  readonly readyMs: number
  readonly silenceMs: number
  /** The limit where the worker may not be the cause: others fill the link, or most are silent with it. */
  readonly excusedSilenceMs: number
  /** A computing thread that has work and finishes nothing for this long counts as hung. */
  readonly hangMs: (workerId: number) => number
  /** The task sent to a worker that it has to answer next, and since when; null for none. */
  readonly dueTask: (workerId: number) => DueTask<Task> | null
  readonly queuedBytes: number
  /** A worker that is heard from, but receives nothing new for this long, does not read. */
  readonly deafMs: number
}

/** A link is full where bytes of a message arrive for this long without a heartbeat. */
const longMessageMs = 2 * heartbeatMs

/** A handshake and a `hello` need less. A peer without a token gets no more memory. */
const maxStrangerBytes = 128 << 10

/** The slowest link that is supported. */
const slowestBytesPerMs = 250

/** How long a worker whose computing thread has ended may take to say why. */
const farewellMs = 200

export function timeoutsFor({ state }: RunPlan, work: Pick<Timeouts, 'hangMs' | 'dueTask'>): Timeouts {
  const stateBytes = state.weights.byteLength * (1 + state.optimizer.moments.length)
  return {
    ...work,
    helloMs: 5_000,
    readyMs: 30 * 60_000,
    silenceMs,
    excusedSilenceMs: 10_000,
    queuedBytes: 16 * stateBytes + (64 << 20),
    // Heartbeats wait behind a state.
    deafMs: 60_000 + stateBytes / slowestBytesPerMs,
  }
}

/**
 * Counts bytes that have arrived since the last tick, at `lookedAtMs`, as a sign of life: a long message on a slow link
 * takes time, and heartbeats wait behind it.
 */
export function noticeBytes(member: Member, lookedAtMs: number): void {
  const bytes = member.connection.receivedBytes() + (member.lane?.receivedBytes() ?? 0)
  if (bytes > member.receivedBytes) member.lastHeardAt = Math.max(member.lastHeardAt, lookedAtMs)
  member.receivedBytes = bytes
}

/**
 * Marks members as crowded out. A member is crowded out when no whole message of it has arrived since the last tick, at
 * `lookedAtMs`, while most others send messages that fill the link; it stays so until a message arrives. Where many
 * senders fill a link, TCP waits longer and longer before it retransmits what one of them lost (RFC 6298, section 5.5),
 * and the others leave that one no room.
 */
export function noticeCrowd(welcomed: readonly Member[], lookedAtMs: number, nowMs: number): void {
  const heard = new Set(welcomed.filter(({ lastHeardAt }) => lastHeardAt >= lookedAtMs))
  const long = new Set([...heard].filter(({ lastMessageAt }) => nowMs - lastMessageAt > longMessageMs))
  for (const member of welcomed) {
    const isCrowded = countOthers(long, member) > countOthers(heard, member) / 2
    const isOverdue = member.lastMessageAt < lookedAtMs
    member.crowdedOut = isOverdue && (isCrowded || member.crowdedOut)
  }
}

/**
 * Notes when most members are silent at once, for two heartbeats. The cause is then a processor that many share, or the
 * coordinator's network, and dropping most workers would not help.
 */
export function noticeCommonSilence(welcomed: readonly Member[], nowMs: number): void {
  const silent = welcomed.filter(({ lastHeardAt }) => nowMs - lastHeardAt > 2 * heartbeatMs)
  // For each silent member: more than half of the others are silent.
  if (silent.length - 1 <= (welcomed.length - 1) / 2) return
  for (const member of silent) member.silentWithMostAt = nowMs
}

function countOthers(members: ReadonlySet<Member>, member: Member): number {
  return members.size - (members.has(member) ? 1 : 0)
}

/** Excludes time in which the coordinator could hear nobody. */
export function excuse(member: Member, nowMs: number, excusedMs: number): void {
  for (const time of ['lastHeardAt', 'lastMessageAt', 'connectedAt'] as const)
    member[time] = Math.min(nowMs, member[time] + excusedMs)
}

/** Why a member has to be dropped. */
export type Fault = { readonly cause: LossCause; readonly reason: string }

/** The fault of a member, or null while it may stay. */
export function findFault(member: Member, timeouts: Timeouts, nowMs: number): Fault | null {
  return findSilence(member, timeouts, nowMs) ?? findBreak(member, timeouts, nowMs)
}

/** Finds a member that has not sent in time what it had to. */
function findSilence(member: Member, timeouts: Timeouts, nowMs: number): Fault | null {
  const { facts, active, receivedBytes, connectedAt, lastHeardAt } = member
  const connectedMs = nowMs - connectedAt
  if (facts === null) {
    if (receivedBytes > maxStrangerBytes) return silent(`${receivedBytes} bytes and no hello`)
    return connectedMs > timeouts.helloMs ? silent(`no hello within ${seconds(connectedMs)}`) : null
  }
  if (isTooSilent(member, timeouts, nowMs)) return silent(`silent for ${seconds(nowMs - lastHeardAt)}`)
  return !active && connectedMs > timeouts.readyMs ? silent(`not ready within ${seconds(connectedMs)}`) : null
}

/** Finds an active member whose computing thread is gone, or that does not receive what is sent to it. */
function findBreak(member: Member, timeouts: Timeouts, nowMs: number): Fault | null {
  if (!member.active) return null
  if (member.hungUpAt !== null && nowMs - member.hungUpAt > farewellMs)
    return { cause: 'lost', reason: 'its computing thread hung up' }
  const queued = queuedBytes(member)
  if (queued <= timeouts.queuedBytes && member.deafMs <= timeouts.deafMs) return null
  const backlog = `${formatBytes(queued)} queued for it, and nothing read for ${seconds(member.deafMs)}`
  return { cause: 'deaf', reason: `stopped reading: ${backlog}` }
}

function silent(reason: string): Fault {
  return { cause: 'silent', reason }
}

function isTooSilent(member: Member, { silenceMs, excusedSilenceMs }: Timeouts, nowMs: number): boolean {
  if (nowMs - member.lastHeardAt > excusedSilenceMs) return true
  // Silence shared with most others does not count; silence after that does.
  return !member.crowdedOut && nowMs - Math.max(member.lastHeardAt, member.silentWithMostAt) > silenceMs
}

function queuedBytes({ connection, lane }: Member): number {
  return connection.queuedBytes() + (lane?.queuedBytes() ?? 0)
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
