import type { PackedGradient } from '@lockstep/model/arithmetic'
import { encodeMessage, type Message, type MessageOf, type Received } from '@lockstep/protocol'
import { evaluateKey } from '../evaluation.ts'
import type { SendableTask } from '../exchange.ts'
import type { SharedMemory } from '../shared-memory/shared-memory.ts'
import { workKey } from '../step.ts'
import { carrierOf, type Member } from './member.ts'

/** What a worker answered. */
export type Answer = {
  readonly workerId: number
  readonly message: MessageOf<'gradient'> | MessageOf<'contribution'> | MessageOf<'metrics'>
  /** Copies the gradient of a shard, as it has travelled, from where it lies, which is possible only at once. */
  readonly readGradient: (into: PackedGradient) => void
}

export type Update = Omit<MessageOf<'update'>, 'slot'>

export function isAnswer(message: Message): message is Answer['message'] {
  return message.type === 'gradient' || message.type === 'metrics' || message.type === 'contribution'
}

/** Under which key the task was given that a message answers. */
export function answerKey(message: Answer['message']): string {
  const { type, step } = message
  return type !== 'metrics' ? workKey(step, message.shard) : evaluateKey(step, message.chunk)
}

/** Whether a peer's address is one at which only this machine is reached. */
export function isLocal(address: string): boolean {
  return /^(127\.|::1:|::ffff:127\.)/.test(address)
}

/** Sends a task, its tensors on the member's desk where there is room. */
export function assign(member: Member, { key, order, tensors: read }: SendableTask<Answer>): void {
  member.given.set(key, order.step)
  const tensors = read()
  const isForRing = order.type === 'work' && order.ring !== undefined
  const slot = isForRing ? null : (member.desk?.put(key, order.step, Object.values(tensors)) ?? null)
  carrierOf(member).send({ ...order, slot }, slot === null ? tensors : {})
}

/** Sends an update, its gradient once for all who share memory and once for all others. */
export function broadcast(
  members: readonly Member[],
  sharedMemory: SharedMemory | null,
  update: Update,
  gradient: PackedGradient,
): void {
  const sharing = members.filter(({ desk }) => desk !== null)
  const slowest = Math.min(...sharing.map(({ reached }) => reached))
  const slot = sharing.length === 0 ? null : (sharedMemory?.post(update.step, gradient, slowest) ?? null)
  if (slot !== null) sendToAll(sharing, () => encodeMessage({ ...update, slot }))
  const others = slot === null ? members : members.filter(({ desk }) => desk === null)
  sendToAll(others, () => encodeMessage({ ...update, slot: null }, { gradient }))
}

export function heartbeatFrame(runId: string, sentMs: number): Uint8Array {
  return encodeMessage({ type: 'heartbeat', runId, step: 0, pending: 0, quietMs: 0, sentMs, echo: null })
}

/** The slot of a task on the member's desk; null for one that was sent in a frame. */
export function slotOf(member: Member, key: string): number | null {
  return member.desk?.find(key) ?? null
}

/**
 * Whether an answer is to something that its worker was given, and names the slot of it. One whose task is over, of which
 * nothing is known any more, is stale.
 */
export function judgePlace(
  member: Member,
  slot: number | null,
  message: Answer['message'],
): { readonly isStale: boolean; readonly fault: string | null } {
  const isKnown = member.given.has(answerKey(message))
  const isInPlace = message.type !== 'gradient' || message.slot === slot
  if (isKnown && isInPlace) return { isStale: false, fault: null }
  if (message.step < member.reached) return { isStale: true, fault: null }
  const { type, step } = message
  if (type === 'gradient' && isKnown) {
    return { isStale: false, fault: `a gradient in slot ${message.slot} instead of ${slot}` }
  }
  const part = type === 'metrics' ? `chunk ${message.chunk}` : `shard ${message.shard}`
  return { isStale: false, fault: `an answer to ${part} of step ${step + 1}, which it was not given` }
}

/** Copies a gradient from a slot of the member's desk, or from the frame it came in. */
export function gradientReader(
  member: Member,
  slot: number | null,
  tensors: Received['tensors'],
): Answer['readGradient'] {
  return into => {
    if (slot === null) into.set(tensors.gradient as PackedGradient)
    else member.desk!.read(slot, into)
  }
}

/** A member has come to this step: what lies on its desk for earlier ones is not needed any more. */
export function reach(member: Member, step: number): void {
  if (step > member.reached) {
    for (const [key, givenStep] of member.given) if (givenStep < step) member.given.delete(key)
  }
  member.reached = Math.max(member.reached, step)
  member.desk?.reach(member.reached)
}

export function closeDesk(member: Member): void {
  member.desk?.close()
  member.desk = null
}

/** One encoding for all, if there are any. */
function sendToAll(members: readonly Member[], encode: () => Uint8Array): void {
  if (members.length === 0) return
  const frame = encode()
  for (const member of members) carrierOf(member).sendFrame(frame)
}
