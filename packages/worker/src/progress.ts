import { systemClock } from '@lockstep/protocol'

/** How far the computing thread is. */
export type ComputeProgress = {
  readonly step: number
  /** The answers that are due. */
  readonly pending: number
  /** How long ago something was finished or became due. */
  readonly quietMs: number
}

/** A progress that one thread writes and another reads, also while the first one computes. */
export type SharedProgress = {
  readonly memory: SharedArrayBuffer
  readonly read: () => ComputeProgress
  readonly write: (progress: ComputeProgress) => void
}

/** Over this memory, where another thread has made it. */
export function createComputeProgress(memory = newMemory(), { nowMs } = systemClock): SharedProgress {
  const cells = new Float64Array(memory)
  return {
    memory,
    read: () => {
      const [step = 0, pending = 0, stirredAtMs = 0] = cells
      return { step, pending, quietMs: Math.max(0, nowMs() - stirredAtMs) }
    },
    write: ({ step, pending, quietMs }) => cells.set([step, pending, nowMs() - quietMs]),
  }
}

function newMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT)
}
