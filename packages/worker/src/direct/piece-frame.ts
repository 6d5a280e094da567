import { LockstepError } from '@lockstep/protocol'

/** `part`: a piece of one shard's gradient, for its owner. `mean`: a piece of the mean over the global batch, for all. */
export type PieceKind = 'part' | 'mean'

/** What stands before the elements of a piece. Of a mean, the figures are those of the whole batch. */
export type PieceHeader = {
  readonly kind: PieceKind
  readonly step: number
  /** Place in the list of all pieces. */
  readonly piece: number
  /** 0 for a mean. */
  readonly shard: number
  /** Samples of the shard, or of the batch. */
  readonly count: number
  /** Samples of the batch. */
  readonly total: number
  readonly correct: number
  readonly lossSum: number
  /** Of this step. */
  readonly learningRate: number
}

/**
 * Little-endian, 56 bytes, then the elements:
 *
 *     offset  bytes
 *     0       4      magic, "LKP1"
 *     4       4      uint32: 1 part, 2 mean
 *     8       8      float64: step
 *     16      4 × 5  uint32: piece, shard, count, total, correct
 *     36      4      zero
 *     40      8 × 2  float64: sum of losses, learning rate
 *
 * There is one for every 64 KiB between two workers, so it is read without a parser.
 */
export const pieceHeaderBytes = 56
const magic = 0x31504b4c
const kinds: readonly PieceKind[] = ['part', 'mean']

export function encodePieceHeader(header: PieceHeader): Uint8Array {
  const bytes = new Uint8Array(pieceHeaderBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, kinds.indexOf(header.kind) + 1, true)
  view.setFloat64(8, header.step, true)
  const integers = [header.piece, header.shard, header.count, header.total, header.correct]
  for (const [index, value] of integers.entries()) view.setUint32(16 + 4 * index, value, true)
  view.setFloat64(40, header.lossSum, true)
  view.setFloat64(48, header.learningRate, true)
  return bytes
}

/** Reads what stands before the elements. Throws `frame-malformed`. */
export function decodePieceHeader(frame: Uint8Array): PieceHeader {
  if (frame.byteLength < pieceHeaderBytes) throw malformed(`≥ ${pieceHeaderBytes} bytes`, `${frame.byteLength}`)
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const integer = (index: number) => view.getUint32(16 + 4 * index, true)
  const kind = kinds[view.getUint32(4, true) - 1]
  const header = {
    step: view.getFloat64(8, true),
    piece: integer(0),
    shard: integer(1),
    count: integer(2),
    total: integer(3),
    correct: integer(4),
    lossSum: view.getFloat64(40, true),
    learningRate: view.getFloat64(48, true),
  }
  if (view.getUint32(0, true) !== magic || kind === undefined) throw malformed('a part or a mean', 'something else')
  if (!Number.isSafeInteger(header.step) || header.step < 0) throw malformed('a step', `${header.step}`)
  if (header.count < 1 || header.count > header.total) throw malformed('1 ≤ count ≤ total', `${header.count}`)
  if (!Number.isFinite(header.learningRate)) throw malformed('a learning rate', `${header.learningRate}`)
  return { kind, ...header }
}

function malformed(expected: string, received: string): LockstepError {
  return new LockstepError('frame-malformed', 'a message between workers is malformed', { expected, received })
}
