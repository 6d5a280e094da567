import { LockstepError } from '@lockstep/protocol'

/**
 * `part`: a piece of one shard's gradient, for its owner. `mean`: a piece of the mean over the global batch, for all.
 * `whole`: no elements; the sender has the whole mean of the step.
 */
export type PieceKind = 'part' | 'mean' | 'whole'

/** The header before a piece's elements. The figures of a mean are those of the whole batch. */
export type PieceHeader = {
  readonly kind: PieceKind
  readonly step: number
  /** Index in the list of all pieces; 0 for `whole`. */
  readonly piece: number
  /** 0 except for a part. */
  readonly shard: number
  /** Samples of the shard, or of the batch. */
  readonly count: number
  /** Samples of the batch. */
  readonly total: number
  readonly correct: number
  readonly lossSum: number
  /** Of this step. */
  readonly learningRate: number
  /** Bytes of the elements that follow. */
  readonly payloadBytes: number
}

/**
 * Little-endian, 56 bytes, then the elements:
 *
 *     offset  bytes
 *     0       4      magic, "LKP2"
 *     4       4      uint32: 1 part, 2 mean, 3 whole
 *     8       8      float64: step
 *     16      4 × 6  uint32: piece, shard, count, total, correct, bytes of the elements
 *     40      8 × 2  float64: sum of losses, learning rate
 *
 * There is one for every 32 KiB between two workers, so it is read without a parser.
 */
export const pieceHeaderBytes = 56
const magic = 0x32504b4c
const kinds: readonly PieceKind[] = ['part', 'mean', 'whole']

export function encodePieceHeader(header: PieceHeader): Uint8Array {
  const bytes = new Uint8Array(pieceHeaderBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, kinds.indexOf(header.kind) + 1, true)
  view.setFloat64(8, header.step, true)
  view.setUint32(16, header.piece, true)
  view.setUint32(20, header.shard, true)
  view.setUint32(24, header.count, true)
  view.setUint32(28, header.total, true)
  view.setUint32(32, header.correct, true)
  view.setUint32(36, header.payloadBytes, true)
  view.setFloat64(40, header.lossSum, true)
  view.setFloat64(48, header.learningRate, true)
  return bytes
}

/** Reads the header before the elements. Throws `frame-malformed`. */
export function decodePieceHeader(bytes: Uint8Array): PieceHeader {
  if (bytes.byteLength < pieceHeaderBytes) throw malformed(`≥ ${pieceHeaderBytes} bytes`, `${bytes.byteLength}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kind = kinds[view.getUint32(4, true) - 1]
  if (view.getUint32(0, true) !== magic || kind === undefined)
    throw malformed('a part, a mean or the end of one', 'something else')
  const header: PieceHeader = {
    kind,
    step: view.getFloat64(8, true),
    piece: view.getUint32(16, true),
    shard: view.getUint32(20, true),
    count: view.getUint32(24, true),
    total: view.getUint32(28, true),
    correct: view.getUint32(32, true),
    payloadBytes: view.getUint32(36, true),
    lossSum: view.getFloat64(40, true),
    learningRate: view.getFloat64(48, true),
  }
  if (!Number.isSafeInteger(header.step) || header.step < 0) throw malformed('a step', `${header.step}`)
  if (header.count < 1 || header.count > header.total) throw malformed('1 ≤ count ≤ total', `${header.count}`)
  if (header.correct > header.count) throw malformed('correct ≤ count', `${header.correct}`)
  if (!Number.isFinite(header.learningRate)) throw malformed('a learning rate', `${header.learningRate}`)
  return header
}

function malformed(expected: string, received: string): LockstepError {
  return new LockstepError('frame-malformed', 'a message between workers is malformed', { expected, received })
}
