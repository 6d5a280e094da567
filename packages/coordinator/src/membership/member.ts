import type { Connection, MessageOf } from '@lockstep/protocol'
import type { WorkerFacts } from '../events.ts'
import type { LossCause } from '../metrics.ts'
import type { Desk } from '../shared-memory/shared-memory.ts'
import { type ClockOffset, createClockOffset } from '../timing/clock-offset.ts'

/** A connection, and what is known of the worker behind it. */
export type Member = {
  readonly address: string
  connection: Connection
  /** Null until its `hello` has been accepted. */
  facts: WorkerFacts | null
  /** The connection of its computing thread; null where its messages go through the connected thread. */
  lane: Connection | null
  /** When its lane closed; null before. */
  hungUpAt: number | null
  /** The memory shared with it; null where there is none, as for a worker on another machine. */
  desk: Desk | null
  /** The step it has reached, as far as the coordinator knows. */
  reached: number
  /** True once it has been given the state. */
  active: boolean
  gone: boolean
  connectedAt: number
  /** When it last sent anything: a message, or bytes of one. */
  lastHeardAt: number
  /** When its last whole message arrived. */
  lastMessageAt: number
  /** Others have filled the coordinator's link since its last message. */
  crowdedOut: boolean
  /** When it was last silent together with most others; minus infinity if never. */
  silentWithMostAt: number
  /** Its received bytes at the last tick. */
  receivedBytes: number
  heartbeat: MessageOf<'heartbeat'> | null
  heartbeatAt: number
  /**
   * How long its computing thread has had work and finished nothing, counting only time in which the worker was heard
   * from.
   */
  hangingMs: number
  /**
   * How long its echoes have not advanced, so that nothing newer has reached it, counting only time in which it was
   * heard from.
   */
  deafMs: number
  /**
   * How long it has reported nothing to do although its next task has reached it, counting only time in which it was
   * heard from.
   */
  idleMs: number
  readonly clock: ClockOffset
  samples: number
  shards: number
  /** Answers that could not be used. */
  refused: number
  /** False once it has been excluded. */
  trusted: boolean
  /** The step of each task that it was given, by key. Tasks before the step it has reached are removed. */
  readonly given: Map<string, number>
  /** Why it was lost; null while it is not. */
  cause: LossCause | null
  outcome: string
}

/** The members of a run, by state. */
export type Roster = {
  /** All that are connected. */
  readonly present: Set<Member>
  /** The active ones, by id. */
  readonly activeMembers: Map<number, Member>
  /** All that were ever welcomed, in order of arrival, which is the order of ids from 1. */
  readonly welcomed: Member[]
}

export function newRoster(): Roster {
  return { present: new Set(), activeMembers: new Map(), welcomed: [] }
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

/** The connection on which a member gets messages for its replica. */
export function carrierOf({ lane, connection }: Pick<Member, 'lane' | 'connection'>): Connection {
  return lane ?? connection
}

/** Counts a shard of this many samples as computed by the worker. */
export function credit(member: Member, samples: number): void {
  member.samples += samples
  member.shards += 1
}

/** A member has reached this step: tasks and desk slots of earlier steps are no longer needed. */
export function reach(member: Member, step: number): void {
  if (step > member.reached) {
    for (const [key, givenStep] of member.given) if (givenStep < step) member.given.delete(key)
  }
  member.reached = Math.max(member.reached, step)
  member.desk?.reach(member.reached)
}

/**
 * Releases a closed connection and any partly received message. The member itself stays in the roster until the run
 * ends.
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
