import type { PackedGradient } from '@lockstep/model/arithmetic'
import type { Message, MessageOf, Received } from '@lockstep/protocol'
import { workKey } from '../training/batch-gradient.ts'
import { evaluateKey } from '../training/evaluation.ts'
import type { Member } from './member.ts'

/** A worker's answer to a task. */
export type Answer = {
  readonly workerId: number
  readonly message: MessageOf<'gradient'> | MessageOf<'contribution'> | MessageOf<'metrics'>
  /**
   * Copies the shard's packed gradient from the slot or frame it is in. Must be called at once, before that memory is
   * reused.
   */
  readonly readGradient: (into: PackedGradient) => void
  /** The memory that starts with the gradient, for the same time; null where it is not in mapped memory. */
  readonly gradientMemory: () => Uint8Array | null
}

export function isAnswer(message: Message): message is Answer['message'] {
  return message.type === 'gradient' || message.type === 'metrics' || message.type === 'contribution'
}

/** The key of the task that a message answers. */
export function answerKey(message: Answer['message']): string {
  const { type, step } = message
  return type !== 'metrics' ? workKey(step, message.shard) : evaluateKey(step, message.chunk)
}

/** The slot of a task on the member's desk; null for a task sent in a frame. */
export function slotOf(member: Member, key: string): number | null {
  return member.desk?.find(key) ?? null
}

/**
 * Checks that the worker was given the task that it answers, and that the answer names the task's slot. An answer to a
 * forgotten task of an earlier step is stale. That is a fault where the answer is still awaited: a replica drops the
 * tasks of earlier steps.
 */
export function checkPlace(
  member: Member,
  slot: number | null,
  message: Answer['message'],
  isAwaited: boolean,
): { readonly isStale: boolean; readonly fault: string | null } {
  const isKnown = member.given.has(answerKey(message))
  const isInPlace = message.type !== 'gradient' || message.slot === slot
  if (isKnown && isInPlace) return { isStale: false, fault: null }
  const { type, step } = message
  const part = type === 'metrics' ? `chunk ${message.chunk}` : `shard ${message.shard}`
  const answer = `an answer to ${part} of step ${step + 1}`
  if (step < member.reached) {
    return { isStale: true, fault: isAwaited ? `${answer} after it had reached step ${member.reached + 1}` : null }
  }
  if (type === 'gradient' && isKnown) {
    return { isStale: false, fault: `a gradient in slot ${message.slot} instead of ${slot}` }
  }
  return { isStale: false, fault: `${answer}, which it was not given` }
}

/** Copies a gradient from a slot of the member's desk, or from the frame in which it arrived. */
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
