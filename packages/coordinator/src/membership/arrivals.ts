import type { MessageOf } from '@lockstep/protocol'
import { peerUrl } from '../direct/peer-url.ts'
import type { EventListener } from '../events.ts'
import { isLocal } from '../shared-memory/same-machine.ts'
import type { SharedMemory } from '../shared-memory/shared-memory.ts'
import { refuseHello, refuseLayout } from './admission.ts'
import type { Exclusion } from './exclusion.ts'
import { carrierOf, closeDesk, type Member, type Roster } from './member.ts'

export type ArrivalsOptions = {
  readonly token: string
  /** The welcome message that every worker gets, except for what depends on the worker. */
  readonly welcome: Omit<MessageOf<'welcome'>, 'workerId' | 'sharedMemory'>
  /** For workers on this machine; null where there is none. */
  readonly sharedMemory: SharedMemory | null
  readonly onEvent: EventListener
  /** The current state, encoded as a frame: weights, moments and step. */
  readonly encodeState: () => { readonly step: number; readonly frame: Uint8Array }
  /** `url` is where other workers reach the worker, or null. */
  readonly onJoin: (workerId: number, url: string | null) => void
}

/** Handles a connection from its `hello` until its worker is active. */
export type Arrivals = {
  /** Sends the welcome, or refuses the worker. */
  readonly greet: (member: Member, hello: MessageOf<'hello'>) => void
  /** Makes the worker active. */
  readonly activate: (member: Member, ready: MessageOf<'ready'>) => void
  /** Sends the worker the current state. */
  readonly sendState: (member: Member) => void
}

export function createArrivals(
  roster: Roster,
  { whyExcluded }: Pick<Exclusion, 'whyExcluded'>,
  refuse: (member: Member, reason: string) => void,
  options: ArrivalsOptions,
): Arrivals {
  const { welcome } = options
  const { activeMembers, welcomed } = roster

  function greet(member: Member, hello: MessageOf<'hello'>): void {
    if (member.facts !== null) return refuse(member, 'a second hello')
    const refusal = refuseHello(hello, options.token) ?? whyExcluded(hello)
    if (refusal !== null) return refuse(member, refusal)
    const { name, host, device, cores } = hello
    member.facts = { id: welcomed.length + 1, name, host, device, cores, backend: '' }
    welcomed.push(member)
    member.connection.setSizes(welcome.sizes)
    member.desk = isLocal(member.address) ? (options.sharedMemory?.openDesk() ?? null) : null
    const sharedMemory = member.desk?.offer ?? null
    member.connection.send({ ...welcome, workerId: member.facts.id, sharedMemory })
  }

  function activate(member: Member, ready: MessageOf<'ready'>): void {
    const refusal = refuseLayout(ready.layoutHash, welcome.layoutHash)
    if (refusal !== null || member.active) return refuse(member, refusal ?? 'a second ready')
    member.facts = { ...member.facts!, backend: ready.backend }
    member.active = true
    if (!ready.sharesMemory) closeDesk(member)
    activeMembers.set(member.facts.id, member)
    sendState(member)
    options.onEvent({ type: 'worker-joined', worker: member.facts, active: activeMembers.size })
    options.onJoin(member.facts.id, peerUrl(member.address, ready.peer))
  }

  function sendState(member: Member): void {
    const { step, frame } = options.encodeState()
    member.reached = step
    carrierOf(member).sendFrame(frame)
  }

  return { greet, activate, sendState }
}
