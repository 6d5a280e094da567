import type { PackedGradient } from '@lockstep/model/arithmetic'
import { LockstepError } from '@lockstep/protocol'
import type { PieceCoding } from './piece-coding.ts'
import { decodePieceHeader, encodePieceHeader, type PieceHeader, pieceHeaderBytes } from './piece-frame.ts'
import { cutPieces, maxPieceElements } from './pieces.ts'
import {
  type BatchFigures,
  createStepExchange,
  type Reduction,
  type ShardPart,
  type StepExchange,
} from './step-exchange.ts'

/** The most bytes in one message between workers. */
export const maxPeerFrameBytes = pieceHeaderBytes + 4 * maxPieceElements

/** Steps that may be under way at once: workers are at most two steps apart. */
const maxOpenSteps = 4

export type RingExchangeOptions = {
  readonly member: number
  readonly members: number
  /** Elements of the flat vector. */
  readonly elements: number
  readonly shards: number
  readonly coding: PieceCoding
  readonly takeVector: () => PackedGradient
  readonly newReduction: (total: number) => Reduction
  readonly send: (to: number, header: Uint8Array, elements: Uint8Array) => void
  readonly onMean: (figures: BatchFigures, mean: PackedGradient) => void
}

/** The steps that a ring of workers exchanges. Knows no sockets. */
export type RingExchange = {
  readonly addShard: (part: ShardPart, gradient: PackedGradient) => void
  /** Takes a message from another member. Throws `frame-malformed`, or `piece-invalid` when it does not fit the ring. */
  readonly receive: (from: number, frame: Uint8Array) => void
}

export function createRingExchange(options: RingExchangeOptions): RingExchange {
  const { member, members, elements, shards, coding } = options
  const pieces = cutPieces(elements, members)
  const open = new Map<number, StepExchange>()
  let lastDone = -1

  /** Null for a step that is over: a copy of a shard came late. */
  function stepExchange(step: number): StepExchange | null {
    if (step <= lastDone) return null
    const known = open.get(step)
    if (known !== undefined) return known
    if (open.size >= maxOpenSteps) throw invalid(`step ${step} begins before ${[...open.keys()].join(', ')} are over`)
    const mean = options.takeVector()
    const exchange = createStepExchange({
      step,
      member,
      members,
      pieces,
      shards,
      mean,
      coding,
      newReduction: options.newReduction,
      send: (to, header, data) => options.send(to, encodePieceHeader(header), data),
      onMean: figures => {
        open.delete(step)
        lastDone = Math.max(lastDone, step)
        options.onMean(figures, mean)
      },
    })
    open.set(step, exchange)
    return exchange
  }

  function receive(from: number, frame: Uint8Array): void {
    const header = decodePieceHeader(frame)
    const fault = stepExchange(header.step)?.take(from, header, elementsOf(frame, header))
    if (fault != null) throw invalid(fault)
  }

  function elementsOf(frame: Uint8Array, header: PieceHeader): PackedGradient {
    const bytes = frame.byteLength - pieceHeaderBytes
    if (bytes % coding.bytesPerElement !== 0) throw invalid(`piece ${header.piece} has ${bytes} bytes`)
    return coding.over(frame, pieceHeaderBytes, bytes / coding.bytesPerElement)
  }

  return { receive, addShard: (part, gradient) => stepExchange(part.step)?.addShard(part, gradient) }
}

function invalid(message: string): LockstepError {
  return new LockstepError('piece-invalid', message)
}
