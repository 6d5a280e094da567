import { freemem, totalmem } from 'node:os'

/** Resident memory of a worker with the reference net, including TensorFlow. */
export const workerMemoryBytes = 600_000_000

/** The memory of this machine, or the limit of this container if that is less. */
export function readMemory(): { readonly totalBytes: number; readonly freeBytes: number } {
  // 0 or an absurdly large number if there is no limit.
  const limit = process.constrainedMemory?.() || Number.POSITIVE_INFINITY
  return { totalBytes: Math.min(totalmem(), limit), freeBytes: Math.min(freemem(), limit) }
}
