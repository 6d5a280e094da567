import { LockstepError } from '../common/error.ts'

/** Each frame of a stream follows its length in bytes: uint32, little-endian. */
export const lengthBytes = 4

/**
 * Splits a stream into its frames, however it is fragmented. A frame is valid only during the call, unless it owns its
 * memory, as one does that arrived in several pieces. Throws `frame-malformed` for a frame longer than `maxFrameBytes`
 * currently allows, before any of it is kept.
 */
export function createFrameStream(maxFrameBytes: () => number, onFrame: (frame: Uint8Array) => void) {
  const length = new Uint8Array(lengthBytes)
  const lengthView = new DataView(length.buffer)
  let lengthHeld = 0
  /** The frame being received, and how many of its bytes have arrived. */
  let frame: Uint8Array | null = null
  let held = 0

  return function feed(piece: Uint8Array): void {
    let at = 0
    while (at < piece.byteLength) at += frame === null ? begin(piece, at) : go(frame, piece, at)
  }

  /** Reads a length, and the frame after it if the piece holds all of it. Returns the bytes consumed. */
  function begin(piece: Uint8Array, at: number): number {
    const taken = Math.min(lengthBytes - lengthHeld, piece.byteLength - at)
    length.set(piece.subarray(at, at + taken), lengthHeld)
    lengthHeld += taken
    if (lengthHeld < lengthBytes) return taken
    lengthHeld = 0
    const frameBytes = checkedLength(lengthView.getUint32(0, true))
    const start = at + taken
    if (start + frameBytes <= piece.byteLength) {
      onFrame(piece.subarray(start, start + frameBytes))
      return taken + frameBytes
    }
    frame = new Uint8Array(frameBytes)
    held = 0
    return taken
  }

  function go(into: Uint8Array, piece: Uint8Array, at: number): number {
    const taken = Math.min(into.byteLength - held, piece.byteLength - at)
    into.set(piece.subarray(at, at + taken), held)
    held += taken
    if (held < into.byteLength) return taken
    frame = null
    onFrame(into)
    return taken
  }

  function checkedLength(frameBytes: number): number {
    const limit = maxFrameBytes()
    if (frameBytes <= limit) return frameBytes
    throw new LockstepError('frame-malformed', 'a frame is too long', {
      expected: `≤ ${limit} bytes`,
      received: `${frameBytes}`,
    })
  }
}
