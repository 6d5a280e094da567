import { join } from 'node:path'
import { LockstepError, takeInTurn } from '@lockstep/protocol'

/** If a lock has not been renewed for this long, its process was killed and another process takes it over. */
const staleMs = 30_000
const pollMs = 250

/**
 * Runs `work` under a lock on a name in a folder, and waits while another process holds the lock. The signal aborts if
 * the lock is lost, which happens when this process was stopped for longer than `staleMs`.
 */
export async function withFolderLock<Result>(
  folder: string,
  name: string,
  onWait: () => void,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { lock } = await import('proper-lockfile')
  const lost = new AbortController()
  const take = () =>
    lock(folder, {
      lockfilePath: join(folder, `${name}.lock`),
      stale: staleMs,
      onCompromised: () => lost.abort(lockLost(folder)),
    })
  const release = await takeInTurn(take, pollMs, onWait)
  try {
    return await work(lost.signal)
  } finally {
    await release().catch(() => undefined)
  }
}

function lockLost(folder: string): LockstepError {
  return new LockstepError('lock-lost', `another process took over ${folder} while this one was stopped`, {
    hint: 'Run the command again.',
  })
}
