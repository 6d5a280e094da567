import type { LockstepError } from '@lockstep/protocol'

/** Writes checkpoints beside the training, one at a time. */
export type Checkpointing = {
  /**
   * Takes a checkpoint of the state as it is now. Resolves when its writing has begun, which waits for the one before.
   * Throws what the one before failed with.
   */
  readonly take: () => Promise<void>
  /** Resolves when the last one is on disk; throws what it failed with. */
  readonly settle: () => Promise<void>
}

export function createCheckpointing(
  encode: () => { readonly step: number; readonly bytes: Uint8Array },
  write: (step: number, bytes: Uint8Array) => Promise<void>,
): Checkpointing {
  let writing: Promise<LockstepError | null> = Promise.resolve(null)

  async function settle(): Promise<void> {
    const failure = await writing
    if (failure !== null) throw failure
  }

  async function take(): Promise<void> {
    const { step, bytes } = encode()
    await settle()
    writing = write(step, bytes).then(
      () => null,
      (error: LockstepError) => error,
    )
  }

  return { take, settle }
}
