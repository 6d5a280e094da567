import { type Range, sliceOf } from '@lockstep/protocol'

/** The unit that one message carries: a part of the slice that its owner reduces. */
export type Piece = Range & {
  /** Index in the list of all pieces. */
  readonly index: number
  /** The member that reduces it, by its place in the group. */
  readonly owner: number
  /** Position within the slice. */
  readonly round: number
}

/**
 * The most elements of a piece, 32 KiB of float32: small enough that one piece is reduced and sent on while the next
 * one arrives, and that no other message on the link waits long.
 */
export const maxPieceElements = 8_192

/** All pieces of a vector: the first piece of every owner, then the second ones, and so on. */
export function cutPieces(elements: number, members: number): readonly Piece[] {
  const slices = Array.from({ length: members }, (_, member) => sliceOf(elements, members, member))
  const pieces: Piece[] = []
  const rounds = Math.ceil(Math.max(...slices.map(slice => slice.end - slice.start)) / maxPieceElements)
  for (let round = 0; round < rounds; round++) {
    for (const [owner, slice] of slices.entries()) {
      const start = slice.start + round * maxPieceElements
      const end = Math.min(slice.end, start + maxPieceElements)
      if (start < end) pieces.push({ index: pieces.length, owner, round, start, end })
    }
  }
  return pieces
}

/**
 * The pieces that a member sends to others. Each round starts at its neighbour, so that not all members begin with the
 * same owner.
 */
export function outgoingPieces(pieces: readonly Piece[], member: number, members: number): readonly Piece[] {
  const distance = (piece: Piece) => (piece.owner - member + members) % members
  return pieces.filter(piece => piece.owner !== member).sort((a, b) => a.round - b.round || distance(a) - distance(b))
}
