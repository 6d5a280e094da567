import { decodePieceHeader, type PieceHeader, pieceHeaderBytes } from './piece-frame.ts'

export type PieceSink = {
  /**
   * A piece has begun. Returns the memory for its elements, `payloadBytes` long, or null for one that is not needed.
   * Throws when it does not fit.
   */
  readonly begin: (header: PieceHeader) => Uint8Array | null
  /** All of the piece that began last is there. */
  readonly end: () => void
}

/**
 * Parts the bytes of a link into pieces, however they are cut, and puts their elements where they belong: nothing is
 * kept, and nothing allocated for them here. Throws `frame-malformed`, or what `begin` throws.
 */
export function createPieceStream(sink: PieceSink): (bytes: Uint8Array) => void {
  const header = new Uint8Array(pieceHeaderBytes)
  let headerHeld = 0
  let place: Uint8Array | null = null
  /** Bytes of elements that have come, of those that are to come. */
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
