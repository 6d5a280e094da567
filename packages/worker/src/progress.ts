import { systemClock } from '@lockstep/protocol'

/** The progress of the computing thread. */
export type ComputeProgress = {
  readonly step: number
  /** The number of answers due. */
  readonly pending: number
  /** Time since the last task was finished or became due. */
  readonly quietMs: number
}

/** Progress that one thread writes and another reads, even while the first one computes. */
export type SharedProgress = {
  readonly memory: SharedArrayBuffer
  readonly read: () => ComputeProgress
  readonly write: (progress: ComputeProgress) => void
}

/** Uses this memory, where another thread has created it. */
export function createComputeProgress(memory = newMemory(), { nowMs } = systemClock): SharedProgress {
  const cells = new Float64Array(memory)
  return {
    memory,
    read: () => {
      const [step = 0, pending = 0, progressAtMs = 0] = cells
      return { step, pending, quietMs: Math.max(0, nowMs() - progressAtMs) }
    },
    write: ({ step, pending, quietMs }) => cells.set([step, pending, nowMs() - quietMs]),
  }
}

function newMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT)
}
