import type { PackedGradient } from '@lockstep/model/arithmetic'
import { bytesOf } from '@lockstep/protocol'
import type { PieceCoding } from './piece-coding.ts'
import type { PieceHeader } from './piece-frame.ts'
import { outgoingPieces, type Piece } from './pieces.ts'

/** A shard's gradient and what is told with it. */
export type ShardPart = Omit<PieceHeader, 'kind' | 'piece'>

/** What a global batch came to: its figures, and its mean gradient in the vector that was given for it. */
export type BatchFigures = Pick<PieceHeader, 'step' | 'total' | 'correct' | 'lossSum' | 'learningRate'>

/** As `createTreeReduction` gives it. */
export type Reduction = {
  readonly add: (shard: number, vector: Float32Array, count: number) => void
  readonly isComplete: () => boolean
  readonly result: () => Float32Array
}

export type StepExchangeOptions = {
  readonly step: number
  /** This worker's place in the ring. */
  readonly member: number
  readonly members: number
  readonly pieces: readonly Piece[]
  readonly shards: number
  /** Receives the mean. */
  readonly mean: PackedGradient
  readonly coding: Pick<PieceCoding, 'unpack' | 'packMean'>
  readonly newReduction: (total: number) => Reduction
  /** What is sent stays as it is. */
  readonly send: (to: number, header: PieceHeader, elements: Uint8Array) => void
  readonly onMean: (figures: BatchFigures) => void
}

/** One step of a direct exchange, as one of its members sees it. */
export type StepExchange = {
  /** Sends a gradient that was computed here to the owners of its slices. The vector belongs to the exchange from then on. */
  readonly addShard: (part: ShardPart, gradient: PackedGradient) => void
  /** Takes a piece from another member, whose memory it takes over. Returns what is wrong with it, or null. */
  readonly take: (from: number, header: PieceHeader, elements: PackedGradient) => string | null
}

/**
 * Reduce-scatter and all-gather in one go: each shard's gradient is sent in pieces to those who own them; an owner adds
 * the shards of a piece along the fixed tree, in whatever order they arrive, and sends the mean to all others as soon as
 * the last one is there, while other pieces are still on their way.
 */
export function createStepExchange(options: StepExchangeOptions): StepExchange {
  const { step, member, members, pieces, mean, coding, send } = options
  const outgoing = outgoingPieces(pieces, member, members)
  const own = pieces.filter(piece => piece.owner === member)
  const shards = createShardFigures(step, options.shards)
  const reductions = new Map<number, Reduction>()
  const seen = new Set<number>()
  const done = new Set<number>()

  function addShard(part: ShardPart, gradient: PackedGradient): void {
    const elements = (piece: Piece) => gradient.subarray(piece.start, piece.end)
    for (const piece of outgoing) {
      send(piece.owner, { kind: 'part', piece: piece.index, ...part }, bytesOf(elements(piece)))
    }
    for (const piece of own) takePart({ kind: 'part', piece: piece.index, ...part }, elements(piece))
  }

  function take(from: number, header: PieceHeader, elements: PackedGradient): string | null {
    const piece = pieces[header.piece]
    if (piece === undefined || piece.end - piece.start !== elements.length) return 'a piece of another cut'
    if (piece.owner !== (header.kind === 'part' ? member : from)) return 'a piece of another owner'
    if (header.kind === 'mean') finish(piece, header, elements)
    else if (!shards.fits(header)) return 'a shard of another batch'
    else takePart(header, elements)
    return null
  }

  /** A second copy of a shard, from a worker that was asked too, is the same to the bit and is dropped. */
  function takePart(header: PieceHeader, elements: PackedGradient): void {
    const key = header.piece * options.shards + header.shard
    if (seen.has(key)) return
    seen.add(key)
    shards.add(header)
    const reduction = reductions.get(header.piece) ?? options.newReduction(header.total)
    reductions.set(header.piece, reduction)
    reduction.add(header.shard, coding.unpack(elements), header.count)
    if (reduction.isComplete()) sendMean(pieces[header.piece]!, reduction.result())
  }

  function sendMean(piece: Piece, sum: Float32Array): void {
    const elements = coding.packMean(sum, step, piece.start)
    const header: PieceHeader = { kind: 'mean', piece: piece.index, shard: 0, ...shards.sum() }
    for (let hop = 1; hop < members; hop++) send((member + hop) % members, header, bytesOf(elements))
    finish(piece, header, elements)
  }

  function finish(piece: Piece, header: PieceHeader, elements: PackedGradient): void {
    if (done.has(piece.index)) return
    done.add(piece.index)
    mean.set(elements, piece.start)
    if (done.size < pieces.length) return
    const { total, correct, lossSum, learningRate } = header
    options.onMean({ step, total, correct, lossSum, learningRate })
  }

  return { addShard, take }
}

/** Collects what is told with the shards of a batch, and sums it in the order of their index. */
function createShardFigures(step: number, shards: number) {
  const known = new Array<ShardPart | null>(shards).fill(null)
  let total: number | null = null
  let learningRate = 0

  return {
    fits: (part: ShardPart) => part.step === step && part.shard < shards && (total === null || part.total === total),
    add: (part: ShardPart) => {
      known[part.shard] ??= part
      total = part.total
      learningRate = part.learningRate
    },
    sum: () => {
      let [lossSum, correct, count] = [0, 0, 0]
      for (const part of known) {
        lossSum += part?.lossSum ?? 0
        correct += part?.correct ?? 0
        count += part?.count ?? 0
      }
      return { step, count, total: count, correct, lossSum, learningRate }
    },
  }
}
