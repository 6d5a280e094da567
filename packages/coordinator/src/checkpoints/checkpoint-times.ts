/** When to take checkpoints within an epoch, beside those at its end. */
export type CheckpointTimes = {
  /** By steps, and by the time since the last one. */
  readonly isDue: (step: number) => boolean
  readonly taken: () => void
}

/** 0 for never. The time begins now. */
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
