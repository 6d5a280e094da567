import type { Connection, MessageOf } from '@lockstep/protocol'
import type { WorkerFacts } from '../events.ts'
import type { Desk } from '../shared-memory/shared-memory.ts'
import { type ClockOffset, createClockOffset } from '../timing/clock-offset.ts'

/** A connection on its way from `hello` to taking part, and what is known of the worker behind it. */
export type Member = {
  readonly address: string
  connection: Connection
  /** Null until its `hello` has been accepted. */
  facts: WorkerFacts | null
  /** The connection of its computing thread; null where its messages go through the connected thread. */
  lane: Connection | null
  /** When its lane was found closed. */
  hungUpAt: number | null
  /** The memory shared with it; null for a worker of another machine. */
  desk: Desk | null
  /** The step to which it has come, as far as it has told. */
  reached: number
  /** True from the moment it was given the state. */
  active: boolean
  gone: boolean
  connectedAt: number
  lastHeardAt: number
  /** Those that had come from it when it was looked after last. */
  receivedBytes: number
  heartbeat: MessageOf<'heartbeat'> | null
  /** How long its computing thread has had something to do and finished nothing, as far as it was heard of meanwhile. */
  hangingMs: number
  readonly clock: ClockOffset
  samples: number
  shards: number
  /** Answers that could not be used. */
  refused: number
  /** False once it has been excluded. */
  trusted: boolean
  /** The steps of what it was given, by key, back to the one to which it has come. */
  readonly given: Map<string, number>
  outcome: string
}

/** How long a worker whose computing thread has ended may take to say why. */
const farewellMs = 200

/** How long a peer may take, and how much it may leave unread. */
export type Patience = {
  readonly helloMs: number
  /** Until `ready`: loading TensorFlow, which may have to be downloaded first, and building the model. */
  readonly readyMs: number
  readonly silenceMs: number
  /** A computing thread with something to do that finishes nothing for so long hangs. */
  readonly hangMs: (workerId: number) => number
  readonly queuedBytes: number
}

export function newMember(address: string, nowMs: number): Omit<Member, 'connection'> {
  return {
    address,
    facts: null,
    lane: null,
    hungUpAt: null,
    desk: null,
    reached: 0,
    active: false,
    gone: false,
    connectedAt: nowMs,
    lastHeardAt: nowMs,
    receivedBytes: 0,
    heartbeat: null,
    hangingMs: 0,
    clock: createClockOffset(),
    samples: 0,
    shards: 0,
    refused: 0,
    trusted: true,
    given: new Map(),
    outcome: '',
  }
}

/** By which of its connections a member gets what its replica is to do. */
export function carrierOf({ lane, connection }: Pick<Member, 'lane' | 'connection'>): Connection {
  return lane ?? connection
}

/**
 * Takes bytes that have come since the last look, at `lookedAtMs`, as a sign of life: a long message on a slow link takes its
 * time, and heartbeats wait behind it.
 */
export function noticeBytes(member: Member, lookedAtMs: number): void {
  const bytes = member.connection.receivedBytes() + (member.lane?.receivedBytes() ?? 0)
  if (bytes > member.receivedBytes) member.lastHeardAt = Math.max(member.lastHeardAt, lookedAtMs)
  member.receivedBytes = bytes
}

/**
 * Takes a heartbeat. Between two of them a hang counts for as long at most as a member may be silent: a process that was
 * suspended, this one or the worker's, has not been at work.
 */
export function noteHeartbeat(member: Member, heartbeat: MessageOf<'heartbeat'>, silenceMs: number): void {
  const { pending, quietMs } = heartbeat
  const heardOfMs = member.heartbeat?.quietMs ?? 0
  const isQuiet = pending > 0 && quietMs >= heardOfMs
  member.hangingMs = isQuiet ? member.hangingMs + Math.min(quietMs - heardOfMs, silenceMs) : 0
  member.heartbeat = heartbeat
}

/** Why the computing thread of an active member counts as hung, or null. */
export function findHang({ facts, hangingMs, heartbeat }: Member, { hangMs }: Patience): string | null {
  if (facts === null || hangingMs === 0 || hangingMs <= hangMs(facts.id)) return null
  return `hung at step ${heartbeat?.step} for ${seconds(hangingMs)}`
}

/** Why a member has to go, or null while it may stay. */
export function findFault(member: Member, patience: Patience, nowMs: number): string | null {
  const connectedMs = nowMs - member.connectedAt
  const silentMs = nowMs - member.lastHeardAt
  if (member.facts === null) return connectedMs > patience.helloMs ? `no hello within ${seconds(connectedMs)}` : null
  if (silentMs > patience.silenceMs) return `silent for ${seconds(silentMs)}`
  if (!member.active) return connectedMs > patience.readyMs ? `not ready within ${seconds(connectedMs)}` : null
  if (member.hungUpAt !== null && nowMs - member.hungUpAt > farewellMs) return 'its computing thread hung up'
  return queuedBytes(member) > patience.queuedBytes ? 'stopped reading' : null
}

function queuedBytes({ connection, lane }: Member): number {
  return connection.queuedBytes() + (lane?.queuedBytes() ?? 0)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** Counts a shard of so many samples that a worker has computed. */
export function credit(member: Member, samples: number): void {
  member.samples += samples
  member.shards += 1
}

/** Leaves a time out of account in which nobody could be heard. */
export function excuse(member: Member, nowMs: number, suspendedMs: number): void {
  member.lastHeardAt = nowMs
  member.connectedAt += suspendedMs
}
