import { writeSync } from 'node:fs'

/** No system call takes 2 GiB, and Node rejects such sizes. */
export const maxPieceBytes = 1 << 30

/**
 * Writes all bytes, in as many calls as needed: at `position`, or at the file's current position where that is null.
 */
export function writeWhole(descriptor: number, bytes: Uint8Array, position: number | null = null): void {
  let written = 0
  while (written < bytes.length) {
    const place = position === null ? null : position + written
    written += writeSync(descriptor, bytes, written, Math.min(bytes.length - written, maxPieceBytes), place)
  }
}
