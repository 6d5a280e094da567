import { makeFolder, takeInTurn } from '@lockstep/protocol'
import lockfile from 'proper-lockfile'

/** A lock whose holder has not touched it for this long belongs to a process that was killed. */
const staleMs = 3_000
const touchMs = 1_000
const pollMs = 200

/**
 * Runs `work` while holding the lock of the cache folder. While another process holds it, `onWait` is told once and the
 * call waits until that process is done or has been gone for three seconds.
 */
export async function withInstallLock<T>(folder: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  makeFolder(folder)
  const take = () =>
    lockfile.lock(folder, {
      stale: staleMs,
      update: touchMs,
      // Losing the lock (a laptop that slept) is harmless: two installers work in folders of their own and rename.
      onCompromised: () => undefined,
    })
  const release = await takeInTurn(take, pollMs, onWait)
  try {
    return await work()
  } finally {
    // Fails when someone has removed the lock by hand; the work is done all the same.
    await release().catch(() => undefined)
  }
}
