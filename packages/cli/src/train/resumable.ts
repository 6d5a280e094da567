import type { FoundCheckpoint, RunSummary } from '@lockstep/coordinator'
import { LockstepError, type RunConfig } from '@lockstep/protocol'
import { readSummary } from '../runs/read-run.ts'
import { formatAmount } from '../terminal/format.ts'

/** Throws `resume-elsewhere` when a run to resume is to move to another folder. */
export function refuseMove(runDir: string | null): void {
  if (runDir === null) return
  throw new LockstepError(
    'resume-elsewhere',
    '--run-dir names the folder of a new run, and --resume goes on in its own',
    {
      kind: 'usage',
      received: `--run-dir ${runDir}`,
      hint: 'Leave out one of the two.',
    },
  )
}

/**
 * Throws `run-ended` when a run has told its end and has nothing left to train. One that failed in its last test or its
 * final writes has not.
 */
export async function refuseEnded(folder: string, { epochs }: RunConfig): Promise<void> {
  const summary = await readSummaryIfWhole(folder)
  if (summary === null || summary.status === 'interrupted') return
  if (summary.status === 'stopped early') {
    throw new LockstepError(
      'run-ended',
      `${folder} has stopped early, after ${summary.epochs} of ${formatAmount(epochs, 'epoch')}`,
      {
        kind: 'usage',
        hint: 'Patience cannot change when a run is resumed: start a new one with another --early-stopping.',
      },
    )
  }
  if (epochs > summary.epochs) return
  throw new LockstepError(
    'run-ended',
    `${folder} is complete: ${summary.epochs} of ${formatAmount(summary.epochs, 'epoch')} done`,
    {
      kind: 'usage',
      hint: `\`--epochs M\` with M above ${summary.epochs} goes on with it.`,
    },
  )
}

/** A resumed run writes its summary anew: a damaged one keeps nobody from it. */
async function readSummaryIfWhole(folder: string): Promise<RunSummary | null> {
  try {
    return await readSummary(folder)
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'run-damaged') return null
    throw error
  }
}

/** Throws `fewer-epochs` when a run is to end before where its checkpoint stands. */
export function refuseFewerEpochs({ epochs }: RunConfig, { position }: FoundCheckpoint['checkpoint']): void {
  const begun = position.batch > 0 ? position.epoch : position.epoch - 1
  if (epochs >= begun) return
  throw new LockstepError('fewer-epochs', '--epochs: the run has come further already', {
    kind: 'usage',
    expected: `at least ${begun}`,
    received: String(epochs),
  })
}
