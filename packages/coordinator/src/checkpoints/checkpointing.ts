import type { CheckpointTimes } from './checkpoint-times.ts'

/** Writes checkpoints beside the training, one at a time. */
export type Checkpointing = {
  /** Whether one is to be taken after this step, which is not the last of its epoch. */
  readonly isDue: (step: number) => boolean
  /**
   * Takes a checkpoint of the state as it is when the write before has ended: nobody changes it until this resolves, which
   * is when its own writing has begun. Throws what ends the run, in the state or in the write before.
   */
  readonly take: () => Promise<void>
  /** Resolves when the last one is on disk. One that could not be written is taken again; throws what that fails with. */
  readonly settle: () => Promise<void>
}

export type CheckpointingOptions<Copy> = {
  /** Copies the state; throws for one that is not worth keeping. The copy may lie in memory that the next call uses again. */
  readonly copy: () => Copy
  readonly write: (copy: Copy) => Promise<void>
  readonly times: CheckpointTimes
  /** Whether training can go on although a write has failed: the next one may succeed. It is told of each. */
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
