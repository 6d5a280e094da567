import { writeSync } from 'node:fs'

/** No system call takes 2 GiB, nor does Node pass them on. */
export const maxPieceBytes = 1 << 30

/** Writes all of the bytes, however many calls that takes: at a position, or without one where the file stands. */
export function writeWhole(descriptor: number, bytes: Uint8Array, position: number | null = null): void {
  let written = 0
  while (written < bytes.length) {
    const place = position === null ? null : position + written
    written += writeSync(descriptor, bytes, written, Math.min(bytes.length - written, maxPieceBytes), place)
  }
}
