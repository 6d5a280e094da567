/** When to take checkpoints within an epoch, in addition to those at its end. */
export type CheckpointTimes = {
  /** Due by the number of steps, or by the time since the last checkpoint. */
  readonly isDue: (step: number) => boolean
  readonly taken: () => void
}

/** An interval of 0 means never. The time starts at this call. */
export function createCheckpointTimes(options: {
  readonly everySteps: number
  readonly everyMs: number
  readonly nowMs: () => number
}): CheckpointTimes {
  const { everySteps, everyMs, nowMs } = options
  let lastMs = nowMs()
  const isFull = (step: number) => everySteps > 0 && step % everySteps === 0
  const isLate = () => everyMs > 0 && nowMs() - lastMs >= everyMs
  return {
    isDue: step => isFull(step) || isLate(),
    taken: () => {
      lastMs = nowMs()
    },
  }
}
