import type { PackedGradient } from '@lockstep/model/arithmetic'
import { encodeMessage, type MessageOf, type Sizes, samplesIn } from '@lockstep/protocol'
import type { SendableTask } from '../exchange.ts'
import type { SharedMemory } from '../shared-memory/shared-memory.ts'
import type { Answer } from './answer.ts'
import { carrierOf, type Member } from './member.ts'

export type Update = Omit<MessageOf<'update'>, 'slot'>

/** Sends a task. Its tensors go to the member's desk where that has room, otherwise into the frame. */
export function assign(member: Member, task: SendableTask<Answer>, sizes: Sizes): void {
  const { key, order } = task
  member.given.set(key, order.step)
  const isForGroup = order.type === 'work' && order.group !== undefined
  const slot = isForGroup ? null : putOnDesk(member, task, sizes)
  carrierOf(member).send({ ...order, slot }, slot === null ? task.tensors() : {})
}

/** The slot with the tensors of a task; null where the desk has no room. */
function putOnDesk({ desk }: Member, { key, order, tensors }: SendableTask<Answer>, sizes: Sizes): number | null {
  const read = (memory: Uint8Array | null) => tensors(memory === null ? undefined : samplesIn(memory, order, sizes))
  return desk?.put(key, order.step, memory => Object.values(read(memory))) ?? null
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
  const slot = sharing.length === 0 ? null : (sharedMemory?.post(update.step, gradient, slowestOf(sharing)) ?? null)
  if (slot !== null) for (const member of sharing) carrierOf(member).send({ ...update, slot })
  const others = slot === null ? members : members.filter(({ desk }) => desk === null)
  sendToAll(others, () => encodeMessage({ ...update, slot: null }, { gradient }))
}

/** Memory for the mean of a step, in which the members that share it will read it; null where there is none. */
export function reserveMean(
  members: readonly Member[],
  sharedMemory: SharedMemory | null,
  step: number,
): Uint8Array | null {
  const sharing = members.filter(({ desk }) => desk !== null)
  if (sharing.length === 0 || sharedMemory === null) return null
  return sharedMemory.reserve(step, slowestOf(sharing))
}

function slowestOf(members: readonly Member[]): number {
  return Math.min(...members.map(({ reached }) => reached))
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
