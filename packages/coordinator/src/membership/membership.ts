import type { PackedGradient } from '@lockstep/model/arithmetic'
import {
  type Connection,
  type ConnectionHandlers,
  describeError,
  type LockstepError,
  type Message,
  type MessageOf,
  type Received,
} from '@lockstep/protocol'
import { type DirectMessage, isDirect } from '../direct/direct.ts'
import type { WorkerFacts } from '../events.ts'
import type { AnswerOutcome, SendableTask } from '../exchange.ts'
import type { ClockOffset } from '../timing/clock-offset.ts'
import type { WorkerTimes } from '../timing/step-timing.ts'
import { type Answer, answerKey, checkPlace, gradientReader, isAnswer, slotOf } from './answer.ts'
import { type ArrivalsOptions, createArrivals } from './arrivals.ts'
import { assign, broadcast, heartbeatFrame, reserveMean, type Update } from './delivery.ts'
import { createDepartures, type DeparturesOptions } from './departures.ts'
import { createExclusion } from './exclusion.ts'
import { createFailureDetector } from './failure-detector.ts'
import { noteHeartbeat } from './heartbeats.ts'
import { createLaneAcceptor, type LaneAcceptor } from './lane-acceptor.ts'
import { credit, forgetConnection, type Member, newMember, newRoster, reach } from './member.ts'
import type { Timeouts } from './timeouts.ts'

export type MembershipOptions = ArrivalsOptions &
  DeparturesOptions & {
    readonly timeouts: Timeouts
    readonly nowMs: () => number
    /** An active worker has reported the step it has reached. */
    readonly onReach: (workerId: number, step: number) => void
    /** What an active worker has spent its time on since its last answer, and the offset of its clock. */
    readonly onTimes: (workerId: number, message: WorkerTimes, clock: ClockOffset) => void
    /** Whether a worker's task still needs an answer. */
    readonly awaits: (workerId: number, key: string) => boolean
    readonly onAnswer: (key: string, answer: Answer) => AnswerOutcome
    /** Takes a message about the direct exchange. Returns what is wrong with it, or null. */
    readonly onDirect: (workerId: number, message: DirectMessage, tensors: Received['tensors']) => string | null
  }

export type Membership = {
  readonly accept: (address: string, connect: (handlers: ConnectionHandlers) => Connection) => void
  readonly acceptLane: LaneAcceptor
  readonly assign: (workerId: number, task: SendableTask<Answer>) => void
  /** Counts a shard of a finished step. */
  readonly credit: (workerId: number, samples: number) => void
  /** Counts and reports an answer that cannot be used. */
  readonly note: (workerId: number, reason: string) => void
  /** Counts a wrong answer against a worker, and excludes the worker once there are too many. */
  readonly countWrongAnswer: (workerId: number, reason: string) => void
  /** Drops a worker for good: it is refused when it reconnects. */
  readonly exclude: (workerId: number, reason: string) => void
  /** Drops a worker, which reconnects by itself. */
  readonly drop: (workerId: number, reason: string) => void
  /** Drops all active workers, which reconnect by themselves. */
  readonly dropAll: (reason: string) => void
  readonly isTrusted: (workerId: number) => boolean
  readonly factsOf: (workerId: number) => WorkerFacts
  readonly tell: (workerId: number, message: Message) => void
  /** Sends a worker the current state again. */
  readonly resendState: (workerId: number) => void
  /** Sends an update to every active worker. The gradient is encoded once for all of them. */
  readonly broadcast: (update: Update, gradient: PackedGradient) => void
  /** Memory for the mean of a step, from which `broadcast` sends it without a copy; null where there is none. */
  readonly reserveMean: (step: number) => Uint8Array | null
  readonly active: () => number
  /** Whether a worker has been welcomed that is not active yet. */
  readonly isOneJoining: () => boolean
  /** Whether every worker that was ever active has said that the model cannot be computed, on any worker. */
  readonly isUncomputable: () => boolean
  /** Whether every active worker shares the coordinator's memory. */
  readonly allShareMemory: () => boolean
  /** All workers that were ever active, in order of arrival. */
  readonly everActive: () => readonly Member[]
  /** Drops members that have been silent, hung or deaf for too long. Called regularly. */
  readonly tick: () => void
  /** Ends the membership: says `bye` to everyone, and to all that connect later. */
  readonly dismiss: (code: MessageOf<'bye'>['code'], reason: string) => void
}

/**
 * Tracks which workers are connected and which are active. Knows connections only by their interface, and no clock but
 * `nowMs`.
 */
export function createMembership(options: MembershipOptions): Membership {
  const { welcome, sharedMemory, timeouts, onEvent, nowMs } = options
  const roster = newRoster()
  const { present, activeMembers, welcomed } = roster
  const departures = createDepartures(roster, options)
  const { refuse, leave } = departures
  const exclusion = createExclusion({ refuse, leave, onEvent })
  const arrivals = createArrivals(roster, exclusion, refuse, options)
  let farewell: MessageOf<'bye'> | null = null

  function accept(address: string, connect: (handlers: ConnectionHandlers) => Connection): void {
    const handlers: ConnectionHandlers = {
      onMessage: received => receive(member, received),
      onClose: error => {
        lose(member, error)
        forgetConnection(member)
      },
    }
    const member: Member = { ...newMember(address, nowMs()), connection: connect(handlers) }
    if (farewell === null) present.add(member)
    else departures.dismiss(member, farewell)
  }

  function receive(member: Member, { message, tensors }: Received): void {
    if (member.gone) return
    member.lastMessageAt = nowMs()
    member.lastHeardAt = member.lastMessageAt
    if (message.type === 'hello') return arrivals.greet(member, message)
    if (message.type === 'bye') return departures.receiveBye(member, message)
    if (member.facts === null || !('runId' in message)) return refuse(member, `unexpected ${message.type} message`)
    if (message.runId !== welcome.runId) return
    if (message.type === 'ready') return arrivals.activate(member, message)
    if (message.type === 'heartbeat') hearHeartbeat(member, message)
    else if (isAnswer(message)) hearAnswer(member, message, tensors)
    else if (isDirect(message)) hearDirect(member, message, tensors)
    else refuse(member, `unexpected ${message.type} message`)
  }

  function hearHeartbeat(member: Member, heartbeat: MessageOf<'heartbeat'>): void {
    noteHeartbeat(member, heartbeat, timeouts, nowMs())
    const { sentMs: answeredMs, echo } = heartbeat
    if (echo !== null) member.clock.add({ ...echo, answeredMs, arrivedMs: nowMs() })
    if (!member.active) return
    reach(member, heartbeat.step)
    options.onReach(member.facts!.id, heartbeat.step)
  }

  function hearAnswer(member: Member, message: Answer['message'], tensors: Received['tensors']): void {
    if (message.type !== 'metrics' && member.active) options.onTimes(member.facts!.id, message, member.clock)
    const key = answerKey(message)
    const slot = slotOf(member, key)
    const { isStale, fault } = checkPlace(member, slot, message, options.awaits(member.facts!.id, key))
    if (fault !== null) return exclusion.dropForWrongAnswer(member, fault)
    if (isStale) return
    const readGradient = gradientReader(member, slot, tensors)
    // Safe before the gradient is read: the read follows at once, before the slot can be used for another task.
    member.desk?.clear(key)
    const outcome = options.onAnswer(key, {
      workerId: member.facts!.id,
      message,
      readGradient,
      gradientMemory: () => (slot === null ? null : member.desk!.memoryOf(slot)),
    })
    // A replica whose weights have drifted is corrected when the worker reconnects.
    if (outcome.fault !== null)
      return (message.type === 'metrics' ? refuse : exclusion.dropForWrongAnswer)(member, outcome.fault)
    reach(member, message.step)
  }

  function hearDirect(member: Member, message: DirectMessage, tensors: Received['tensors']): void {
    if (!member.active) return refuse(member, `unexpected ${message.type} message`)
    const fault = options.onDirect(member.facts!.id, message, tensors)
    if (fault !== null) refuse(member, fault)
  }

  function lose(member: Member, error: LockstepError | null): void {
    if (member.gone) return
    if (member.active && error?.code === 'message-invalid')
      return exclusion.dropForWrongAnswer(member, describeError(error))
    if (!member.active && error !== null) onEvent({ type: 'refused', address: member.address, reason: error.message })
    leave(member, 'lost', error === null ? 'connection closed' : error.message)
  }

  /** Invalid bytes on a lane come from the worker itself, since no network is involved. */
  function hearNonsense(member: Member, error: LockstepError): void {
    if (member.gone) return
    if (member.active) exclusion.dropForWrongAnswer(member, describeError(error))
    else refuse(member, describeError(error))
  }

  function assure(member: Member): void {
    if (member.facts !== null) member.connection.sendFrame(heartbeatFrame(welcome.runId, nowMs()))
  }

  function dismiss(code: MessageOf<'bye'>['code'], reason: string): void {
    farewell = { type: 'bye', code, reason }
    for (const member of present) departures.dismiss(member, farewell)
    present.clear()
    activeMembers.clear()
  }

  return {
    accept,
    acceptLane: createLaneAcceptor({
      runId: welcome.runId,
      sizes: welcome.sizes,
      memberOf: workerId => welcomed[workerId - 1],
      receive,
      fail: hearNonsense,
      nowMs,
    }),
    tick: createFailureDetector({
      present,
      timeouts,
      everyMs: welcome.heartbeatMs,
      nowMs,
      onFault: departures.cutOff,
      onHang: departures.dropHung,
      onSound: assure,
    }),
    dismiss,
    assign: (workerId, task) => {
      const member = activeMembers.get(workerId)
      if (member !== undefined) assign(member, task, welcome.sizes)
    },
    reserveMean: step => reserveMean([...activeMembers.values()], sharedMemory, step),
    broadcast: (update, gradient) => broadcast([...activeMembers.values()], sharedMemory, update, gradient),
    credit: (workerId, samples) => credit(welcomed[workerId - 1]!, samples),
    note: (workerId, reason) => exclusion.note(welcomed[workerId - 1]!, reason),
    countWrongAnswer: (workerId, reason) => exclusion.countWrongAnswer(welcomed[workerId - 1]!, reason),
    exclude: (workerId, reason) => exclusion.exclude(welcomed[workerId - 1]!, reason),
    drop: (workerId, reason) => refuse(welcomed[workerId - 1]!, reason),
    dropAll: reason => {
      for (const member of [...activeMembers.values()]) refuse(member, reason)
    },
    isTrusted: workerId => welcomed[workerId - 1]!.trusted,
    factsOf: workerId => welcomed[workerId - 1]!.facts!,
    tell: (workerId, message) => activeMembers.get(workerId)?.connection.send(message),
    resendState: workerId => {
      const member = activeMembers.get(workerId)
      if (member !== undefined) arrivals.sendState(member)
    },
    allShareMemory: () => [...activeMembers.values()].every(({ desk }) => desk !== null),
    active: () => activeMembers.size,
    isOneJoining: () => [...present].some(({ facts, active }) => facts !== null && !active),
    isUncomputable: () => welcomed.every(({ active, cause }) => !active || cause === 'uncomputable'),
    everActive: () => welcomed.filter(member => member.active),
  }
}
