import { writeSync } from 'node:fs'

/** Writes all of the bytes, however many calls that takes: at a position, or without one where the file stands. */
export function writeWhole(descriptor: number, bytes: Uint8Array, position: number | null = null): void {
  let written = 0
  while (written < bytes.length) {
    const place = position === null ? null : position + written
    written += writeSync(descriptor, bytes, written, bytes.length - written, place)
  }
}
