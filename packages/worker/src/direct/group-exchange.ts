import type { PackedGradient } from '@lockstep/model/arithmetic'
import { bytesOf, LockstepError } from '@lockstep/protocol'
import type { PieceCoding } from './piece-coding.ts'
import { encodePieceHeader, type PieceHeader } from './piece-frame.ts'
import type { PieceSink } from './piece-stream.ts'
import { cutPieces, maxPieceElements } from './pieces.ts'
import {
  type BatchFigures,
  createStepExchange,
  type PiecePlace,
  type SendPiece,
  type ShardPart,
  type StepExchange,
} from './step-exchange.ts'

/** The most steps in progress at once: workers are at most two steps apart. */
const maxOpenSteps = 4

const noElements = new Uint8Array(0)

export type GroupExchangeOptions = {
  readonly member: number
  readonly members: number
  /** Elements of the flat vector. */
  readonly elements: number
  readonly shards: number
  readonly coding: PieceCoding
  readonly takeVector: () => PackedGradient
  readonly send: SendPiece
  readonly onMean: (figures: BatchFigures, mean: PackedGradient) => void
  /** A step has no mean, so the group is unusable. */
  readonly onUnsound: (reason: string) => void
  /** All members have the mean of a step, so the links are free. */
  readonly onEverywhere: (step: number) => void
}

/** The direct exchange of a group, over many steps. Knows no sockets. */
export type GroupExchange = {
  readonly addShard: (part: ShardPart, gradient: PackedGradient) => void
  /** Takes pieces from another member. Throws `piece-invalid` when one does not fit the group. */
  readonly sinkFor: (from: number) => PieceSink
}

export function createGroupExchange(options: GroupExchangeOptions): GroupExchange {
  const { member, members, elements, shards, coding, send } = options
  const pieces = cutPieces(elements, members)
  const open = new Map<number, StepExchange>()
  /** For each step that is not finished everywhere: the members that have its mean. */
  const served = new Map<number, Set<number>>()
  let lastDone = -1

  /** Null for a finished step: a copy of a shard has arrived late. */
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
      send,
      onUnsound: options.onUnsound,
      onMean: figures => {
        open.delete(step)
        lastDone = Math.max(lastDone, step)
        options.onMean(figures, mean)
        tellOthers(figures)
        serve(step, member)
      },
    })
    open.set(step, exchange)
    return exchange
  }

  function tellOthers({ step, total, correct, lossSum, learningRate }: BatchFigures): void {
    const figures = { step, piece: 0, shard: 0, count: total, total, correct, lossSum, learningRate }
    const header = encodePieceHeader({ kind: 'whole', payloadBytes: 0, ...figures })
    for (let to = 0; to < members; to++) if (to !== member) send(to, header, noElements)
  }

  function serve(step: number, by: number): void {
    const known = served.get(step) ?? new Set<number>()
    if (known.size === 0 && served.size >= maxOpenSteps) throw invalid(`the mean of step ${step} comes too early`)
    served.set(step, known.add(by))
    if (known.size < members) return
    served.delete(step)
    options.onEverywhere(step)
  }

  function sinkFor(from: number): PieceSink {
    let arriving: PiecePlace | null = null

    function begin(header: PieceHeader): Uint8Array | null {
      if (header.kind === 'whole') return noteWhole(from, header)
      const exchange = stepExchange(header.step)
      const fault = exchange === null ? faultOfLate(header) : exchange.findFault(from, header)
      if (fault !== null) throw invalid(fault)
      arriving = exchange?.place(header) ?? null
      return arriving && bytesOf(arriving.packed)
    }

    function end(): void {
      arriving?.take()
      arriving = null
    }

    return { begin, end }
  }

  function noteWhole(from: number, { step, payloadBytes }: PieceHeader): null {
    if (payloadBytes !== 0) throw invalid(`the end of a mean has ${payloadBytes} bytes`)
    serve(step, from)
    return null
  }

  /** A discarded piece must not be longer than one that is kept. */
  function faultOfLate({ payloadBytes }: PieceHeader): string | null {
    return payloadBytes > maxPieceElements * coding.bytesPerElement ? `a piece of ${payloadBytes} bytes` : null
  }

  return { sinkFor, addShard: (part, gradient) => stepExchange(part.step)?.addShard(part, gradient) }
}

function invalid(message: string): LockstepError {
  return new LockstepError('piece-invalid', message)
}
