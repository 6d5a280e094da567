import {
  type Connection,
  type ConnectionHandlers,
  encodeMessage,
  type LockstepError,
  type MessageOf,
  type Received,
} from '@lockstep/protocol'
import { refuseHello, refuseLayout } from './admission.ts'
import type { EventListener, WorkerFacts } from './events.ts'
import type { Verdict } from './exchange.ts'
import { findFault, type Member, type Patience } from './member.ts'

/** What a worker answered; `tensors` holds the gradient of a shard. */
export type Answer = {
  readonly workerId: number
  readonly message: MessageOf<'gradient'> | MessageOf<'metrics'>
  readonly tensors: Received['tensors']
}

export type MembershipOptions = {
  readonly token: string
  /** What every worker is told on arrival, but for its id. */
  readonly welcome: Omit<MessageOf<'welcome'>, 'workerId'>
  readonly patience: Patience
  readonly nowMs: () => number
  readonly onEvent: EventListener
  /** The state frame of this moment: weights, moments and step. */
  readonly encodeState: () => Uint8Array
  readonly onJoin: (workerId: number) => void
  readonly onLeave: (workerId: number) => void
  /** An active worker says which step it has come to. */
  readonly onReach: (workerId: number, step: number) => void
  readonly onAnswer: (answer: Answer) => Verdict
}

export type Membership = {
  readonly accept: (address: string, connect: (handlers: ConnectionHandlers) => Connection) => void
  readonly send: (workerId: number, frame: Uint8Array) => void
  /** To every active worker, with one encoding. */
  readonly broadcast: (frame: Uint8Array) => void
  readonly active: () => number
  /** Everyone who ever took part, in order of arrival. */
  readonly roll: () => readonly Member[]
  /** Drops whoever has been silent, hung or deaf for too long. Called regularly. */
  readonly tick: () => void
  /** Ends it: tells everyone, and from here on whoever still comes. */
  readonly dismiss: (code: MessageOf<'bye'>['code'], reason: string) => void
}

/** Who is connected, and who of them takes part. Knows connections only by their interface, and no clock but `nowMs`. */
export function createMembership(options: MembershipOptions): Membership {
  const { welcome, onEvent, nowMs } = options
  const present = new Set<Member>()
  const taking = new Map<number, Member>()
  const everyone: Member[] = []
  let lastTickAt = nowMs()
  let farewell: MessageOf<'bye'> | null = null

  function accept(address: string, connect: (handlers: ConnectionHandlers) => Connection): void {
    const handlers: ConnectionHandlers = {
      onMessage: received => receive(member, received),
      onClose: error => lose(member, error),
    }
    const member: Member = { ...newMember(address, nowMs()), connection: connect(handlers) }
    if (farewell === null) present.add(member)
    else dismissOne(member, farewell)
  }

  function receive(member: Member, { message, tensors }: Received): void {
    if (member.gone) return
    member.lastHeardAt = nowMs()
    if (message.type === 'hello') return greet(member, message)
    if (message.type === 'bye') return dismissed(member, message)
    if (member.facts === null || !('runId' in message)) return refuse(member, `unexpected ${message.type} message`)
    if (message.runId !== welcome.runId) return
    if (message.type === 'ready') return activate(member, message)
    if (message.type === 'heartbeat') beat(member, message)
    else if (message.type === 'gradient' || message.type === 'metrics') answer(member, message, tensors)
    else refuse(member, `unexpected ${message.type} message`)
  }

  function greet(member: Member, hello: MessageOf<'hello'>): void {
    if (member.facts !== null) return refuse(member, 'a second hello')
    const refusal = refuseHello(hello, options.token, welcome.layoutHash)
    if (refusal !== null) return refuse(member, refusal)
    const { name, host, device, cores } = hello
    member.facts = { id: everyone.length + 1, name, host, device, cores, backend: '' }
    everyone.push(member)
    member.connection.setSizes(welcome.sizes)
    member.connection.send({ ...welcome, workerId: member.facts.id })
  }

  function activate(member: Member, ready: MessageOf<'ready'>): void {
    const refusal = refuseLayout(ready.layoutHash, welcome.layoutHash)
    if (refusal !== null || member.active) return refuse(member, refusal ?? 'a second ready')
    member.facts = { ...member.facts!, backend: ready.backend }
    member.active = true
    taking.set(member.facts.id, member)
    member.connection.sendFrame(options.encodeState())
    onEvent({ type: 'worker-joined', worker: member.facts, active: taking.size })
    options.onJoin(member.facts.id)
  }

  function beat(member: Member, heartbeat: MessageOf<'heartbeat'>): void {
    member.heartbeat = heartbeat
    if (member.active) options.onReach(member.facts!.id, heartbeat.step)
  }

  function answer(member: Member, message: Answer['message'], tensors: Received['tensors']): void {
    const verdict = options.onAnswer({ workerId: member.facts!.id, message, tensors })
    if (verdict.fault !== null) return refuse(member, verdict.fault)
    if (!verdict.taken || message.type !== 'gradient') return
    member.samples += message.count
    member.shards += 1
  }

  function refuse(member: Member, reason: string): void {
    if (!member.active) onEvent({ type: 'refused', address: member.address, reason })
    member.connection.close({ type: 'bye', code: 'refused', reason })
    leave(member, `refused: ${reason}`)
  }

  function dismissed(member: Member, bye: MessageOf<'bye'>): void {
    member.connection.close({ type: 'bye', code: 'finished', reason: 'goodbye' })
    leave(member, bye.reason)
  }

  function leave(member: Member, reason: string): void {
    if (member.gone) return
    member.gone = true
    member.outcome = reason
    present.delete(member)
    if (!member.active || member.facts === null) return
    taking.delete(member.facts.id)
    onEvent({ type: 'worker-lost', worker: member.facts, reason, active: taking.size })
    options.onLeave(member.facts.id)
  }

  function lose(member: Member, error: LockstepError | null): void {
    if (!member.gone && !member.active && error !== null) {
      onEvent({ type: 'refused', address: member.address, reason: error.message })
    }
    leave(member, error === null ? 'connection closed' : error.message)
  }

  function tick(): void {
    const now = nowMs()
    const sinceTickMs = now - lastTickAt
    lastTickAt = now
    // A coordinator that was itself suspended has heard nobody: let the heartbeats that wait in the sockets come first.
    if (sinceTickMs > options.patience.silenceMs / 2) {
      for (const member of present) excuse(member, now, sinceTickMs)
      return
    }
    for (const member of present) {
      const fault = findFault(member, options.patience, now)
      if (fault !== null) cutOff(member, fault)
      else if (member.facts !== null) member.connection.sendFrame(heartbeatFrame(welcome.runId))
    }
  }

  function cutOff(member: Member, fault: string): void {
    leave(member, fault)
    member.connection.terminate()
  }

  function dismiss(code: MessageOf<'bye'>['code'], reason: string): void {
    farewell = { type: 'bye', code, reason }
    for (const member of present) dismissOne(member, farewell)
    present.clear()
    taking.clear()
  }

  function dismissOne(member: Member, bye: MessageOf<'bye'>): void {
    member.gone = true
    member.connection.close(bye)
  }

  return {
    accept,
    tick,
    dismiss,
    send: (workerId, frame) => taking.get(workerId)?.connection.sendFrame(frame),
    broadcast: frame => {
      for (const member of taking.values()) member.connection.sendFrame(frame)
    },
    active: () => taking.size,
    roll: () => everyone.filter(member => member.active),
  }
}

function newMember(address: string, nowMs: number): Omit<Member, 'connection'> {
  const facts: WorkerFacts | null = null
  const clocks = { connectedAt: nowMs, lastHeardAt: nowMs }
  return { address, facts, ...clocks, active: false, gone: false, heartbeat: null, samples: 0, shards: 0, outcome: '' }
}

/** Leaves a time out of account in which nobody could be heard. */
function excuse(member: Member, nowMs: number, suspendedMs: number): void {
  member.lastHeardAt = nowMs
  member.connectedAt += suspendedMs
}

function heartbeatFrame(runId: string): Uint8Array {
  return encodeMessage({ type: 'heartbeat', runId, step: 0, pending: 0, quietMs: 0 })
}
