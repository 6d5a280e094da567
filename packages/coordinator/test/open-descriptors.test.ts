import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from './support/folder.ts'
import { startSocketWorker } from './support/socket-worker.ts'
import { startTiny } from './support/start-coordinator.ts'

/** The sockets and shared-memory files that this process has open. */
function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap(name => {
    try {
      const target = readlinkSync(`/proc/self/fd/${name}`)
      return target.startsWith('socket:') || target.startsWith('/dev/shm/') ? [target] : []
    } catch {
      // The descriptor with which the folder itself was read.
      return []
    }
  })
}

test('a coordinator leaves no descriptor open when workers are lost or the run ends', async () => {
  const atFirst = openDescriptors()
  const stop = new AbortController()
  const { url, finished, events } = await startTiny(join(await temporaryFolder(), 'run'), { stop: stop.signal })
  const count = (wanted: string) => events.filter(({ type }) => type === wanted).length

  /** A worker with a lane and shared memory joins, and dies while it holds a shard. */
  async function visit(): Promise<void> {
    const [joined, lost] = [count('worker-joined'), count('worker-lost')]
    const worker = startSocketWorker(url, {
      takesLane: true,
      before: message => (message.type === 'gradient' ? null : message),
    })
    await expect.poll(() => count('worker-joined')).toBe(joined + 1)
    await expect.poll(() => worker.heard.lane).toContain('work')
    worker.die()
    await expect.poll(() => count('worker-lost')).toBe(lost + 1)
  }

  await visit()
  await expect.poll(() => openDescriptors().length).toBeLessThan(atFirst.length + 4)
  const afterOne = openDescriptors().length
  for (let time = 0; time < 5; time++) await visit()
  await expect.poll(() => openDescriptors()).toHaveLength(afterOne)

  stop.abort()
  await finished
  await expect.poll(() => openDescriptors()).toEqual(atFirst)
})
