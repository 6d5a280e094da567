import type { CheckpointTimes } from './checkpoint-times.ts'

/** Writes checkpoints while training goes on, one at a time. */
export type Checkpointing = {
  /** Whether to take a checkpoint after this step, which is not the last of its epoch. */
  readonly isDue: (step: number) => boolean
  /**
   * Waits until the previous write has ended, copies the state and starts to write the copy. The caller must not change
   * the state until this resolves. Throws what ends the run: the failure of the previous write, or of the copy.
   */
  readonly take: () => Promise<void>
  /** Resolves when the last checkpoint is on disk. Tries a failed write once more, and throws if that fails too. */
  readonly settle: () => Promise<void>
}

export type CheckpointingOptions<Copy> = {
  /** Copies the state; throws where the state is not worth keeping. The next call may reuse the copy's memory. */
  readonly copy: () => Copy
  readonly write: (copy: Copy) => Promise<void>
  readonly times: CheckpointTimes
  /** Whether training can continue after a failed write, since the next one may succeed. Called with each failure. */
  readonly canPass: (error: unknown) => boolean
}

export function createCheckpointing<Copy>({ copy, write, times, canPass }: CheckpointingOptions<Copy>): Checkpointing {
  let writing: Promise<unknown> = Promise.resolve(null)

  async function take(): Promise<void> {
    const failure = await writing
    if (failure !== null && !canPass(failure)) throw failure
    const taken = copy()
    times.taken()
    writing = write(taken).then(
      () => null,
      error => error,
    )
  }

  async function settle(): Promise<void> {
    const failure = await writing
    if (failure === null) return
    if (canPass(failure)) await take()
    const last = await writing
    if (last !== null) throw last
  }

  return { isDue: times.isDue, take, settle }
}
