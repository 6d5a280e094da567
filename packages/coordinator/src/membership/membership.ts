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
import type { SendableTask, Verdict } from '../exchange.ts'
import type { ClockOffset } from '../timing/clock-offset.ts'
import type { WorkerTimes } from '../timing/step-timing.ts'
import { type Answer, answerKey, gradientReader, isAnswer, judgePlace, slotOf } from './answer.ts'
import { type ArrivalsOptions, createArrivals } from './arrivals.ts'
import { assign, broadcast, heartbeatFrame, type Update } from './delivery.ts'
import { createDepartures, type DeparturesOptions } from './departures.ts'
import { createDiscipline } from './discipline.ts'
import { noteHeartbeat } from './heartbeats.ts'
import { createLaneDoor, type LaneDoor } from './lane-door.ts'
import { credit, forgetConnection, type Member, newMember, newRoster, reach } from './member.ts'
import type { Patience } from './patience.ts'
import { createWatch } from './watch.ts'

export type MembershipOptions = ArrivalsOptions &
  DeparturesOptions & {
    readonly patience: Patience
    readonly nowMs: () => number
    /** An active worker says which step it has come to. */
    readonly onReach: (workerId: number, step: number) => void
    /** What an active worker's time went on since it answered last, and how its clock is set. */
    readonly onTimes: (workerId: number, message: WorkerTimes, clock: ClockOffset) => void
    /** Whether a task of a worker is waited for. */
    readonly awaits: (workerId: number, key: string) => boolean
    readonly onAnswer: (key: string, answer: Answer) => Verdict
    /** Takes what a worker says about the exchange among workers. Returns what is wrong with it, or null. */
    readonly onDirect: (workerId: number, message: DirectMessage, tensors: Received['tensors']) => string | null
  }

export type Membership = {
  readonly accept: (address: string, connect: (handlers: ConnectionHandlers) => Connection) => void
  readonly acceptLane: LaneDoor
  readonly assign: (workerId: number, task: SendableTask<Answer>) => void
  /** Counts a shard of a step that has been taken. */
  readonly credit: (workerId: number, samples: number) => void
  /** Counts an answer of a worker that cannot be used. */
  readonly note: (workerId: number, reason: string) => void
  /** Holds a wrong answer against a worker, which is excluded when it was one too many. */
  readonly charge: (workerId: number, reason: string) => void
  /** Sends a worker away for good: it is refused when it comes back. */
  readonly exclude: (workerId: number, reason: string) => void
  /** Sends a worker away. It comes back by itself. */
  readonly sendAway: (workerId: number, reason: string) => void
  /** Sends all away that take part. They come back by themselves. */
  readonly scatter: (reason: string) => void
  readonly isTrusted: (workerId: number) => boolean
  readonly factsOf: (workerId: number) => WorkerFacts
  readonly tell: (workerId: number, message: Message) => void
  /** Gives a worker the state of this moment anew. */
  readonly restate: (workerId: number) => void
  /** To every active worker, the gradient once for all of them. */
  readonly broadcast: (update: Update, gradient: PackedGradient) => void
  readonly active: () => number
  /** Whether somebody has been welcomed who is not active yet. */
  readonly isOneComing: () => boolean
  /** Whether all who ever took part have said that the model cannot be computed, by them or anybody. */
  readonly isUncomputable: () => boolean
  /** Whether every active worker shares the coordinator's memory. */
  readonly allShareMemory: () => boolean
  /** Everyone who ever took part, in order of arrival. */
  readonly roll: () => readonly Member[]
  /** Drops whoever has been silent, hung or deaf for too long. Called regularly. */
  readonly tick: () => void
  /** Ends it: tells everyone, and from here on whoever still comes. */
  readonly dismiss: (code: MessageOf<'bye'>['code'], reason: string) => void
}

/** Who is connected, and who of them takes part. Knows connections only by their interface, and no clock but `nowMs`. */
export function createMembership(options: MembershipOptions): Membership {
  const { welcome, sharedMemory, patience, onEvent, nowMs } = options
  const roster = newRoster()
  const { present, taking, welcomed } = roster
  const departures = createDepartures(roster, options)
  const { refuse, leave } = departures
  const discipline = createDiscipline({ refuse, leave, onEvent })
  const arrivals = createArrivals(roster, discipline, refuse, options)
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
    if (message.type === 'bye') return departures.letGo(member, message)
    if (member.facts === null || !('runId' in message)) return refuse(member, `unexpected ${message.type} message`)
    if (message.runId !== welcome.runId) return
    if (message.type === 'ready') return arrivals.activate(member, message)
    if (message.type === 'heartbeat') hearHeartbeat(member, message)
    else if (isAnswer(message)) hearAnswer(member, message, tensors)
    else if (isDirect(message)) hearDirect(member, message, tensors)
    else refuse(member, `unexpected ${message.type} message`)
  }

  function hearHeartbeat(member: Member, heartbeat: MessageOf<'heartbeat'>): void {
    noteHeartbeat(member, heartbeat, patience, nowMs())
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
    const { isStale, fault } = judgePlace(member, slot, message, options.awaits(member.facts!.id, key))
    if (fault !== null) return discipline.accuse(member, fault)
    if (isStale) return
    const readGradient = gradientReader(member, slot, tensors)
    // Its slot is free once it has been read, which comes before the worker is given anything else.
    member.desk?.clear(key)
    const verdict = options.onAnswer(key, { workerId: member.facts!.id, message, readGradient })
    // A replica that has drifted is set right when it comes back.
    if (verdict.fault !== null) return (message.type === 'metrics' ? refuse : discipline.accuse)(member, verdict.fault)
    reach(member, message.step)
  }

  function hearDirect(member: Member, message: DirectMessage, tensors: Received['tensors']): void {
    if (!member.active) return refuse(member, `unexpected ${message.type} message`)
    const fault = options.onDirect(member.facts!.id, message, tensors)
    if (fault !== null) refuse(member, fault)
  }

  function lose(member: Member, error: LockstepError | null): void {
    if (member.gone) return
    if (member.active && error?.code === 'message-invalid') return discipline.accuse(member, describeError(error))
    if (!member.active && error !== null) onEvent({ type: 'refused', address: member.address, reason: error.message })
    leave(member, 'lost', error === null ? 'connection closed' : error.message)
  }

  /** What came was no message: not for a network, but for the worker. */
  function hearNonsense(member: Member, error: LockstepError): void {
    if (member.gone) return
    if (member.active) discipline.accuse(member, describeError(error))
    else refuse(member, describeError(error))
  }

  function assure(member: Member): void {
    if (member.facts !== null) member.connection.sendFrame(heartbeatFrame(welcome.runId, nowMs()))
  }

  function dismiss(code: MessageOf<'bye'>['code'], reason: string): void {
    farewell = { type: 'bye', code, reason }
    for (const member of present) departures.dismiss(member, farewell)
    present.clear()
    taking.clear()
  }

  return {
    accept,
    acceptLane: createLaneDoor({
      runId: welcome.runId,
      sizes: welcome.sizes,
      memberOf: workerId => welcomed[workerId - 1],
      receive,
      fail: hearNonsense,
      nowMs,
    }),
    tick: createWatch({
      present,
      patience,
      everyMs: welcome.heartbeatMs,
      nowMs,
      onFault: departures.cutOff,
      onHang: departures.sendForAnother,
      onSound: assure,
    }),
    dismiss,
    assign: (workerId, task) => {
      const member = taking.get(workerId)
      if (member !== undefined) assign(member, task)
    },
    broadcast: (update, gradient) => broadcast([...taking.values()], sharedMemory, update, gradient),
    credit: (workerId, samples) => credit(welcomed[workerId - 1]!, samples),
    note: (workerId, reason) => discipline.note(welcomed[workerId - 1]!, reason),
    charge: (workerId, reason) => discipline.charge(welcomed[workerId - 1]!, reason),
    exclude: (workerId, reason) => discipline.exclude(welcomed[workerId - 1]!, reason),
    sendAway: (workerId, reason) => refuse(welcomed[workerId - 1]!, reason),
    scatter: reason => {
      for (const member of [...taking.values()]) refuse(member, reason)
    },
    isTrusted: workerId => welcomed[workerId - 1]!.trusted,
    factsOf: workerId => welcomed[workerId - 1]!.facts!,
    tell: (workerId, message) => taking.get(workerId)?.connection.send(message),
    restate: workerId => {
      const member = taking.get(workerId)
      if (member !== undefined) arrivals.giveState(member)
    },
    allShareMemory: () => [...taking.values()].every(({ desk }) => desk !== null),
    active: () => taking.size,
    isOneComing: () => [...present].some(({ facts, active }) => facts !== null && !active),
    isUncomputable: () => welcomed.every(({ active, cause }) => !active || cause === 'uncomputable'),
    roll: () => welcomed.filter(member => member.active),
  }
}
