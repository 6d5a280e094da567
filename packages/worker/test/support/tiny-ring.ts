import { createRandom } from '@lockstep/data'
import {
  createGradientFormat,
  createTreeReduction,
  type PackedGradient,
  plainArithmetic,
} from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { createPieceCoding } from '../../src/direct/piece-coding.ts'
import { createRingExchange, type RingExchange } from '../../src/direct/ring-exchange.ts'
import type { BatchFigures, Reduction, ShardPart } from '../../src/direct/step-exchange.ts'

export const newReduction =
  (shards: number) =>
  (total: number): Reduction =>
    createTreeReduction({ arithmetic: plainArithmetic, shards, total })

export type Frame = { readonly from: number; readonly to: number; readonly bytes: Uint8Array }

/** A ring in memory, whose messages are under way until the test delivers them. */
export function createTinyRing(options: {
  readonly members: number
  readonly shards: number
  readonly elements: number
  readonly compress?: RunConfig['compress']
}) {
  const coding = createPieceCoding({ compress: options.compress ?? 'none', seed: 5 })
  const { members, shards, elements } = options
  const sent: Frame[] = []
  const means: { readonly member: number; readonly figures: BatchFigures; readonly mean: PackedGradient }[] = []
  const exchanges = Array.from(
    { length: members },
    (_, member): RingExchange =>
      createRingExchange({
        member,
        members,
        elements,
        shards,
        coding,
        takeVector: () => coding.allocateShared(elements),
        newReduction: newReduction(shards),
        send: (to, header, data) => sent.push({ from: member, to, bytes: Buffer.concat([header, data]) }),
        onMean: (figures, mean) => means.push({ member, figures, mean }),
      }),
  )
  const deliver = ({ from, to, bytes }: Frame) => exchanges[to]!.receive(from, bytes)
  return { exchanges, sent, means, deliver }
}

/** Random gradients for the shards of a batch, and what is told with them. */
export function randomShards(options: {
  readonly counts: readonly number[]
  readonly elements: number
  readonly step: number
}): { readonly part: ShardPart; readonly gradient: Float32Array }[] {
  const { counts, elements, step } = options
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count, shard) => {
    const random = createRandom(step, shard)
    const gradient = Float32Array.from({ length: elements }, () => random.below(2 ** 24) / 2 ** 22 - 2)
    const figures = { correct: shard % count, lossSum: random.below(1000) / 7, learningRate: 0.125 }
    return { part: { step, shard, count, total, ...figures }, gradient }
  })
}

/** The mean that the star makes of them. */
export function meanOf(shards: ReturnType<typeof randomShards>, width = shards.length): Float32Array {
  const reduction = newReduction(width)(shards[0]!.part.total)
  for (const { part, gradient } of shards) reduction.add(part.shard, gradient.slice(), part.count)
  return reduction.result()
}

/** The same where gradients are rounded: what each worker sends, and what the coordinator sends back. */
export function compressedMeanOf(shards: ReturnType<typeof randomShards>, seed: number) {
  const { elements, step } = { elements: shards[0]!.gradient.length, step: shards[0]!.part.step }
  const format = createGradientFormat({ compress: 'bfloat16', seed }, plainArithmetic, elements)
  const packed = shards.map(({ part, gradient }) => ({ part, gradient: format.pack(gradient, part).slice() }))
  const unpacked = packed.map(({ part, gradient }) => {
    const whole = new Float32Array(elements)
    format.unpack(gradient, whole)
    return { part, gradient: whole }
  })
  return { packed, mean: format.pack(meanOf(unpacked), { step, shard: 'mean' }).slice() }
}
