import { createRandom } from '@lockstep/data'
import {
  createGradientFormat,
  createTreeReduction,
  type PackedGradient,
  plainArithmetic,
} from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { createGroupExchange, type GroupExchange } from '../../src/direct/group-exchange.ts'
import { allocateShared, createPieceCoding, type PieceCoding } from '../../src/direct/piece-coding.ts'
import { createPieceStream } from '../../src/direct/piece-stream.ts'
import type { BatchFigures, ShardPart } from '../../src/direct/step-exchange.ts'

export type Frame = { readonly from: number; readonly to: number; readonly bytes: Uint8Array }

/** A group in memory, whose messages are in transit until the test delivers them. */
export function createTinyGroup(options: {
  readonly members: number
  readonly shards: number
  readonly elements: number
  readonly compress?: RunConfig['compress']
}) {
  const config = { compress: options.compress ?? 'none', seed: 5 } as const
  const { members, shards, elements } = options
  const sent: Frame[] = []
  /** Vectors that all members hold, to add up in and to send from. */
  let vectorsInUse = 0
  const countedCoding = (): PieceCoding => {
    const coding = createPieceCoding(config, 2 * shards * elements)
    return {
      ...coding,
      takeVector: length => {
        vectorsInUse += 1
        return coding.takeVector(length)
      },
      giveBack: vector => {
        vectorsInUse -= 1
        coding.giveBack(vector)
      },
      releaseMean: piece => {
        vectorsInUse -= 1
        coding.releaseMean(piece)
      },
    }
  }
  const unsound: { readonly member: number; readonly reason: string }[] = []
  const everywhere: { readonly member: number; readonly step: number }[] = []
  const means: { readonly member: number; readonly figures: BatchFigures; readonly mean: PackedGradient }[] = []
  const exchanges = Array.from(
    { length: members },
    (_, member): GroupExchange =>
      createGroupExchange({
        member,
        members,
        elements,
        shards,
        coding: countedCoding(),
        takeVector: () => allocateShared(config, elements),
        send: (to, header, data, onSent) => {
          sent.push({ from: member, to, bytes: Buffer.concat([header, data]) })
          onSent?.()
        },
        onMean: (figures, mean) => means.push({ member, figures, mean }),
        onUnsound: reason => unsound.push({ member, reason }),
        onEverywhere: step => everywhere.push({ member, step }),
      }),
  )
  const links = new Map<string, (bytes: Uint8Array) => void>()
  const linkOf = ({ from, to }: Pick<Frame, 'from' | 'to'>) => {
    const name = `${from}>${to}`
    const link = links.get(name) ?? createPieceStream(exchanges[to]!.sinkFor(from))
    links.set(name, link)
    return link
  }
  const deliver = (frame: Frame) => linkOf(frame)(frame.bytes)
  return { exchanges, sent, means, unsound, everywhere, deliver, vectorsInUse: () => vectorsInUse }
}

/** Random gradients for the shards of a batch, and the figures sent with them. */
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

/** Their mean as the star computes it. */
export function meanOf(shards: ReturnType<typeof randomShards>, width = shards.length): Float32Array {
  const { total } = shards[0]!.part
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: width, total })
  for (const { part, gradient } of shards) reduction.add(part.shard, gradient.slice(), part.count)
  return reduction.result()
}

/** The same for rounded gradients: what each worker sends, and what the coordinator sends back. */
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
