import type { Connection, MessageOf } from '@lockstep/protocol'
import type { WorkerFacts } from '../events.ts'
import type { LossCause } from '../metrics.ts'
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
  /** When something has come from it last: a message, or bytes of one. */
  lastHeardAt: number
  /** When a whole message has. */
  lastMessageAt: number
  /** Others have filled the coordinator's link since its last message. */
  crowdedOut: boolean
  /** When it was silent last together with most others; before the run where it never was. */
  silentWithMostAt: number
  /** Those that had come from it when it was looked after last. */
  receivedBytes: number
  heartbeat: MessageOf<'heartbeat'> | null
  heartbeatAt: number
  /** How long its computing thread has had something to do and finished nothing, as far as it was heard of meanwhile. */
  hangingMs: number
  /** How long it has said, of what was sent to it, nothing newer to have come, as far as it was heard of meanwhile. */
  deafMs: number
  /** How long it has said that it has nothing to do, though what it has to do has come to it, as far as it was heard of meanwhile. */
  idleMs: number
  readonly clock: ClockOffset
  samples: number
  shards: number
  /** Answers that could not be used. */
  refused: number
  /** False once it has been excluded. */
  trusted: boolean
  /** The steps of what it was given, by key, back to the one to which it has come. */
  readonly given: Map<string, number>
  /** By what it was lost; null while it is not. */
  cause: LossCause | null
  outcome: string
}

/** Who is there. */
export type Roster = {
  /** Everyone who is connected. */
  readonly present: Set<Member>
  /** Those who take part, by id. */
  readonly taking: Map<number, Member>
  /** Everyone who was ever welcomed, in order of arrival, which is that of the ids from 1. */
  readonly welcomed: Member[]
}

export function newRoster(): Roster {
  return { present: new Set(), taking: new Map(), welcomed: [] }
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
    lastMessageAt: nowMs,
    crowdedOut: false,
    silentWithMostAt: Number.NEGATIVE_INFINITY,
    receivedBytes: 0,
    heartbeat: null,
    heartbeatAt: nowMs,
    hangingMs: 0,
    deafMs: 0,
    idleMs: 0,
    clock: createClockOffset(),
    samples: 0,
    shards: 0,
    refused: 0,
    trusted: true,
    given: new Map(),
    cause: null,
    outcome: '',
  }
}

/** By which of its connections a member gets what its replica is to do. */
export function carrierOf({ lane, connection }: Pick<Member, 'lane' | 'connection'>): Connection {
  return lane ?? connection
}

/** Counts a shard of so many samples that a worker has computed. */
export function credit(member: Member, samples: number): void {
  member.samples += samples
  member.shards += 1
}

/** A member has come to this step: what lies on its desk for earlier ones is not needed any more. */
export function reach(member: Member, step: number): void {
  if (step > member.reached) {
    for (const [key, givenStep] of member.given) if (givenStep < step) member.given.delete(key)
  }
  member.reached = Math.max(member.reached, step)
  member.desk?.reach(member.reached)
}

/**
 * Lets go of a connection that has ended, and with it of what had come of a message: the member itself stays in the roll until
 * the run ends.
 */
export function forgetConnection(member: Member): void {
  member.connection = ended
  member.lane = null
  member.given.clear()
}

const ignore = () => undefined

const ended: Connection = {
  send: ignore,
  sendFrame: ignore,
  queuedBytes: () => 0,
  receivedBytes: () => 0,
  setSizes: ignore,
  close: ignore,
  terminate: ignore,
}

export function closeDesk(member: Member): void {
  member.desk?.close()
  member.desk = null
}
