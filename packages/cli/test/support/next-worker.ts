import { setTimeout as delay } from 'node:timers/promises'
import { localWorkersOf, type RunningCli } from './cli.ts'

/** Ids of the worker processes that a test has seen, to recognize new ones. */
export type Seen = Set<number>

/** Resolves with the id of a worker process that is not in `seen`, as soon as there is one, and adds it. */
export async function nextWorker({ child }: RunningCli, seen: Seen): Promise<number> {
  for (;;) {
    const fresh = (await localWorkersOf(child)).find(id => !seen.has(id))
    if (fresh !== undefined) {
      seen.add(fresh)
      return fresh
    }
    await delay(10)
  }
}
