import { isSoundLoss, type PackedGradient, type TreeReduction } from '@lockstep/model/arithmetic'
import type { Answer } from '../membership/answer.ts'
import { within } from '../timing/step-timing.ts'
import type { ReductionTools } from '../training/batch-gradient.ts'
import { type Vote, voteWithoutData } from './vote.ts'

type Tools = ReductionTools & {
  readonly reduction: Pick<TreeReduction, 'add'>
  /** Vectors in use: each is released once it is added to another one, or at the end of the step. */
  readonly used: Set<Float32Array>
}

/**
 * Accepts the gradient of a shard without a second vote: adds it to the reduction at once, unless it is not sound.
 */
export function addGradient({ message, readGradient, gradientMemory }: Answer, tools: Tools): Vote {
  if (message.type !== 'gradient') return voteWithoutData(true)
  const vector = takeVector(tools)
  const memory = gradientMemory()
  if (memory === null) tools.format.receive(readGradient, vector)
  const gradient = memory === null ? vector : tools.format.readFrom(memory, vector)
  return voteWithoutData(isSoundLoss(message.lossSum, message.count) && add(message, gradient, vector, tools))
}

/** Keeps the gradient of a shard in its packed form, to compare it with another worker's. */
export function keepGradient({ message, readGradient }: Answer, tools: Tools): Vote {
  if (message.type !== 'gradient') return voteWithoutData(true)
  const { packed: pool } = tools.audit
  const packed = pool.take()
  readGradient(packed)
  return {
    isSound: isSoundLoss(message.lossSum, message.count) && isSound(packed, tools),
    figures: [message.count, message.correct, message.lossSum],
    bytes: new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength),
    accept: () => {
      const gradient = takeVector(tools)
      tools.format.unpack(packed, gradient)
      add(message, gradient, gradient, tools)
    },
    drop: () => pool.giveBack(packed),
  }
}

function takeVector({ vectors, used }: Tools): Float32Array {
  const vector = vectors.take()
  used.add(vector)
  return vector
}

function add(
  { shard, count }: { shard: number; count: number },
  gradient: Float32Array,
  target: Float32Array,
  tools: Tools,
): boolean {
  return within(tools.timing, 'reduce', () => tools.reduction.add(shard, gradient, count, target))
}

function isSound(packed: PackedGradient, { vectors, format, arithmetic }: Tools): boolean {
  const vector = vectors.take()
  format.unpack(packed, vector)
  const sound = arithmetic.scale(vector, 1)
  vectors.giveBack(vector)
  return sound
}
