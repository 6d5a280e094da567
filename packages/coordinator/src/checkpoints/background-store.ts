import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { createDeferred, type Deferred } from '../deferred.ts'
import type { CheckpointJob, CheckpointStore } from './checkpoint-store.ts'
import { revive, type StoreAnswer } from './store-messages.ts'

/**
 * Resolved by package name, to the built file: Node runs no TypeScript in threads, so tests of `src` also start the
 * build.
 */
const threadFile = createRequire(import.meta.url).resolve('@lockstep/coordinator/store-thread')

/** Starts a store with a thread of its own, which leaves the cores to the workers. The thread ends with the process. */
export function startBackgroundStore(): CheckpointStore {
  const thread = new Worker(threadFile, { execArgv: [] })
  const waiting: Deferred<string | null>[] = []
  let failure: Error | null = null
  thread.on('message', (answer: StoreAnswer) => {
    const { resolve, reject } = waiting.shift()!
    if (waiting.length === 0) thread.unref()
    if (answer.type === 'stored') resolve(answer.path)
    else reject(revive(answer.error))
  })
  thread.on('error', fail)
  thread.on('exit', code => fail(new Error(`the thread that stores checkpoints ended with code ${code}`)))
  thread.unref()

  function fail(error: Error): void {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }

  return (job: CheckpointJob) => {
    if (failure !== null) return Promise.reject(failure)
    const stored = createDeferred<string | null>()
    waiting.push(stored)
    thread.ref()
    thread.postMessage(job)
    return stored.promise
  }
}
