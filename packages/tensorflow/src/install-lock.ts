import { makeFolder, takeInTurn } from '@lockstep/protocol'
import lockfile from 'proper-lockfile'

/** If a lock has not been touched for this long, its process was killed. */
const staleMs = 3_000
const touchMs = 1_000
const pollMs = 200

/**
 * Runs `work` while holding the lock of the cache folder. If another process holds it, calls `onWait` once and waits
 * until that process is done or has been gone for three seconds.
 */
export async function withInstallLock<T>(folder: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  makeFolder(folder)
  const take = () =>
    lockfile.lock(folder, {
      stale: staleMs,
      update: touchMs,
      // Losing the lock (after a laptop slept) is harmless: each installer works in its own folder and renames it.
      onCompromised: () => undefined,
    })
  const release = await takeInTurn(take, pollMs, onWait)
  try {
    return await work()
  } finally {
    // Fails if the lock was removed by hand, which does not affect the work.
    await release().catch(() => undefined)
  }
}
