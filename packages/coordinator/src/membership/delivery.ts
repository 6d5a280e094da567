import type { PackedGradient } from '@lockstep/model/arithmetic'
import { encodeMessage, type MessageOf } from '@lockstep/protocol'
import type { SendableTask } from '../exchange.ts'
import type { SharedMemory } from '../shared-memory/shared-memory.ts'
import type { Answer } from './answer.ts'
import { carrierOf, type Member } from './member.ts'

export type Update = Omit<MessageOf<'update'>, 'slot'>

/** Sends a task. Its tensors go to the member's desk where that has room, otherwise into the frame. */
export function assign(member: Member, { key, order, tensors: read }: SendableTask<Answer>): void {
  member.given.set(key, order.step)
  const tensors = read()
  const isForGroup = order.type === 'work' && order.group !== undefined
  const slot = isForGroup ? null : (member.desk?.put(key, order.step, Object.values(tensors)) ?? null)
  carrierOf(member).send({ ...order, slot }, slot === null ? tensors : {})
}

/**
 * Broadcasts an update. The gradient is stored once for all members that share memory, and encoded once for all others.
 */
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

/** Encodes once for all members, if there are any. */
function sendToAll(members: readonly Member[], encode: () => Uint8Array): void {
  if (members.length === 0) return
  const frame = encode()
  for (const member of members) carrierOf(member).sendFrame(frame)
}
