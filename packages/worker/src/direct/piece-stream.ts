import { decodePieceHeader, type PieceHeader, pieceHeaderBytes } from './piece-frame.ts'

export type PieceSink = {
  /**
   * A piece has begun. Returns memory for its elements, `payloadBytes` long, or null for a piece that is not needed.
   * Throws when the piece does not fit.
   */
  readonly begin: (header: PieceHeader) => Uint8Array | null
  /** The piece that began last is complete. */
  readonly end: () => void
}

/**
 * Splits the bytes of a link into pieces, however they are fragmented, and writes the elements to their place. Keeps
 * and allocates nothing for them. Throws `frame-malformed`, or what `begin` throws.
 */
export function createPieceStream(sink: PieceSink): (bytes: Uint8Array) => void {
  const header = new Uint8Array(pieceHeaderBytes)
  let headerHeld = 0
  let place: Uint8Array | null = null
  /** Bytes of elements that have arrived, and how many are expected. */
  let held = 0
  let payloadBytes = 0

  function takeHeader(bytes: Uint8Array, at: number): number {
    const taken = Math.min(pieceHeaderBytes - headerHeld, bytes.byteLength - at)
    header.set(bytes.subarray(at, at + taken), headerHeld)
    headerHeld += taken
    if (headerHeld < pieceHeaderBytes) return taken
    const piece = decodePieceHeader(header)
    payloadBytes = piece.payloadBytes
    held = 0
    place = sink.begin(piece)
    finishWhole()
    return taken
  }

  function takeElements(bytes: Uint8Array, at: number): number {
    const taken = Math.min(payloadBytes - held, bytes.byteLength - at)
    place?.set(bytes.subarray(at, at + taken), held)
    held += taken
    finishWhole()
    return taken
  }

  function finishWhole(): void {
    if (held < payloadBytes) return
    headerHeld = 0
    place = null
    sink.end()
  }

  return function feed(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.byteLength) {
      at += headerHeld < pieceHeaderBytes ? takeHeader(bytes, at) : takeElements(bytes, at)
    }
  }
}
