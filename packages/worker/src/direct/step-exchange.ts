import { createTreeReduction, isSoundLoss, type PackedGradient, type TreeReduction } from '@lockstep/model/arithmetic'
import { bytesOf } from '@lockstep/protocol'
import type { PieceCoding } from './piece-coding.ts'
import { encodePieceHeader, type PieceHeader } from './piece-frame.ts'
import { outgoingPieces, type Piece } from './pieces.ts'

/** A shard's gradient and its figures. */
export type ShardPart = Omit<PieceHeader, 'kind' | 'piece' | 'payloadBytes'>

/** The result of a global batch: its figures. Its mean gradient is in the vector that was given for it. */
export type BatchFigures = Pick<PieceHeader, 'step' | 'total' | 'correct' | 'lossSum' | 'learningRate'>

/** Sends a piece. Its elements must not change until `onSent`. */
export type SendPiece = (to: number, header: Uint8Array, elements: Uint8Array, onSent?: () => void) => void

export type StepExchangeOptions = {
  readonly step: number
  /** This worker's place in the group. */
  readonly member: number
  readonly members: number
  readonly pieces: readonly Piece[]
  readonly shards: number
  /** The vector that receives the mean. */
  readonly mean: PackedGradient
  readonly coding: PieceCoding
  readonly send: SendPiece
  readonly onMean: (figures: BatchFigures) => void
  /** The gradient of a shard is not finite, so the step has no mean. */
  readonly onUnsound: (reason: string) => void
}

/** Where the elements of a piece are written as they arrive, and the function that takes them once complete. */
export type PiecePlace = { readonly packed: PackedGradient; readonly take: () => void }

/** One step of a direct exchange, from the view of one member. */
export type StepExchange = {
  /** Sends a gradient computed here to the owners of its slices. The vector must not change afterwards. */
  readonly addShard: (part: ShardPart, gradient: PackedGradient) => void
  /** What is wrong with a piece from another member, or null. */
  readonly findFault: (from: number, header: PieceHeader) => string | null
  /** Null for a piece that has arrived already. */
  readonly place: (header: PieceHeader) => PiecePlace | null
}

/**
 * Overlaps reduce-scatter and all-gather. Each shard's gradient is sent in pieces to the owners of those pieces. An
 * owner adds the shards of a piece along the fixed tree, in any order of arrival, and sends the mean to all others as
 * soon as the last shard has arrived, while other pieces are still in transit.
 */
export function createStepExchange(options: StepExchangeOptions): StepExchange {
  const { step, member, members, pieces, mean, coding, send } = options
  const outgoing = outgoingPieces(pieces, member, members)
  const own = pieces.filter(piece => piece.owner === member)
  const shards = createShardFigures(step, options.shards)
  /** By the index of the pieces that this member owns. */
  const reductions = new Map<number, TreeReduction>()
  const seen = new Set<number>()
  const done = new Set<number>()

  function addShard(part: ShardPart, gradient: PackedGradient): void {
    const elements = (piece: Piece) => gradient.subarray(piece.start, piece.end)
    for (const piece of outgoing) {
      const bytes = bytesOf(elements(piece))
      const header = { kind: 'part', piece: piece.index, payloadBytes: bytes.byteLength, ...part } as const
      send(piece.owner, encodePieceHeader(header), bytes)
    }
    for (const piece of own) {
      const place = placePart(part, piece)
      place?.packed.set(elements(piece))
      place?.take()
    }
  }

  function findFault(from: number, header: PieceHeader): string | null {
    const piece = pieces[header.piece]
    if (piece === undefined || lengthOf(piece) * coding.bytesPerElement !== header.payloadBytes)
      return 'a piece of another cut'
    if (piece.owner !== (header.kind === 'part' ? member : from)) return 'a piece of another owner'
    return header.kind === 'part' && !shards.fits(header) ? 'a shard of another batch' : null
  }

  function place(header: PieceHeader): PiecePlace | null {
    const piece = pieces[header.piece]!
    return header.kind === 'part' ? placePart(header, piece) : placeMean(header, piece)
  }

  /** A mean is received directly into its place. */
  function placeMean(header: PieceHeader, piece: Piece): PiecePlace | null {
    if (done.has(piece.index)) return null
    return { packed: mean.subarray(piece.start, piece.end), take: () => finish(piece, header) }
  }

  /** A second copy of a shard, from a worker that was also asked for it, has the same bits and is dropped. */
  function placePart(part: ShardPart, piece: Piece): PiecePlace | null {
    const key = piece.index * options.shards + part.shard
    if (seen.has(key)) return null
    const vector = coding.takeVector(lengthOf(piece))
    const packed = coding.packedPlace(vector)
    return {
      packed,
      take: () => {
        coding.unpack(packed, vector)
        if (seen.has(key)) return coding.giveBack(vector)
        seen.add(key)
        addPart(part, piece, vector)
      },
    }
  }

  /**
   * A part that is not finite gives no mean, so that no replica applies it. The shards are then computed through the
   * coordinator, which finds the worker at fault.
   */
  function addPart(part: ShardPart, piece: Piece, vector: Float32Array): void {
    shards.add(part)
    const reduction = reductions.get(piece.index) ?? begin(piece, part.total)
    if (!reduction.add(part.shard, vector, part.count) || !isSoundLoss(part.lossSum, part.count)) {
      return options.onUnsound(`the gradient of shard ${part.shard} of step ${step + 1} is not finite`)
    }
    if (reduction.isComplete()) sendMean(piece, reduction.result())
  }

  function begin(piece: Piece, total: number): TreeReduction {
    const { arithmetic, giveBack } = coding
    const reduction = createTreeReduction({ arithmetic, shards: options.shards, total, onSpent: giveBack })
    reductions.set(piece.index, reduction)
    return reduction
  }

  function sendMean(piece: Piece, sum: Float32Array): void {
    const elements = coding.packMean(sum, step, piece.start)
    mean.set(elements, piece.start)
    const bytes = bytesOf(elements)
    const figures = { piece: piece.index, shard: 0, payloadBytes: bytes.byteLength, ...shards.sum() }
    const header: PieceHeader = { kind: 'mean', ...figures }
    const encoded = encodePieceHeader(header)
    let unsent = members - 1
    const onSent = () => {
      unsent -= 1
      if (unsent === 0) coding.releaseMean(elements)
    }
    for (let hop = 1; hop < members; hop++) send((member + hop) % members, encoded, bytes, onSent)
    finish(piece, header)
  }

  function finish(piece: Piece, header: PieceHeader): void {
    if (done.has(piece.index)) return
    done.add(piece.index)
    if (done.size < pieces.length) return
    const { total, correct, lossSum, learningRate } = header
    options.onMean({ step, total, correct, lossSum, learningRate })
  }

  return { addShard, findFault, place }
}

function lengthOf({ start, end }: Piece): number {
  return end - start
}

/** Collects the figures of a batch's shards, and sums them in the order of the shards. */
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
