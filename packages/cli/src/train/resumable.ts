import type { FoundCheckpoint } from '@lockstep/coordinator'
import { LockstepError, type RunConfig } from '@lockstep/protocol'

/** Throws `resume-elsewhere` if a resumed run would move to another folder. */
export function refuseMove(runDir: string | null): void {
  if (runDir === null) return
  throw new LockstepError(
    'resume-elsewhere',
    '--run-dir names the folder of a new run, but --resume continues in the folder of its run',
    {
      kind: 'usage',
      received: `--run-dir ${runDir}`,
      hint: 'Leave out one of the two.',
    },
  )
}

/** Throws `fewer-epochs` if a run would end before the position of its checkpoint. */
export function refuseFewerEpochs({ epochs }: RunConfig, { position }: FoundCheckpoint['checkpoint']): void {
  const begun = position.batch > 0 ? position.epoch : position.epoch - 1
  if (epochs >= begun) return
  throw new LockstepError('fewer-epochs', '--epochs: the run has come further already', {
    kind: 'usage',
    expected: `at least ${begun}`,
    received: String(epochs),
  })
}
