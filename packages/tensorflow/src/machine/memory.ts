import { freemem, totalmem } from 'node:os'

/** What a worker of the reference net, its TensorFlow included, keeps resident. */
export const workerMemoryBytes = 600_000_000

/** What a container may use of this machine's memory, where it may use less than the machine has. */
export function readMemory(): { readonly totalBytes: number; readonly freeBytes: number } {
  // 0 or absurdly much where nothing limits it.
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY
  return { totalBytes: Math.min(totalmem(), limit), freeBytes: Math.min(freemem(), limit) }
}
