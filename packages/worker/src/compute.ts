import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { LockstepError, letHeapDouble, type Received, systemClock } from '@lockstep/protocol'
import { type ComputeSetup, type FromCompute, memoryOf, type SessionTerms, type ToCompute } from './compute-messages.ts'
import { type ComputeProgress, createComputeProgress } from './progress.ts'
import type { Answer } from './replica.ts'

/**
 * Small, because the thread collects the young generation every few steps. At the default size that takes three times
 * as long.
 */
const maxYoungGenerationSizeMb = 3

/** The computing thread as the connected thread sees it. */
export type Compute = {
  readonly layoutHash: string
  readonly backend: string
  /**
   * Begins a connection: answers to earlier ones are dropped from here on. Resolves with whether the thread could open
   * the memory that the coordinator offers to share.
   */
  readonly beginSession: (terms: SessionTerms, onAnswer: (answer: Answer) => void) => Promise<boolean>
  readonly give: (received: Received) => void
  readonly progress: () => ComputeProgress
  /** Rejects when the thread fails, with `compute-failed` or what the compiler throws; never resolves. */
  readonly failed: Promise<never>
  readonly stop: () => Promise<void>
}

/**
 * Resolved by package name, to the built file: Node runs no TypeScript in threads, so tests of `src` also start the
 * build.
 */
const threadFile = createRequire(import.meta.url).resolve('@lockstep/worker/compute-thread')

/**
 * Starts a thread that loads TensorFlow and builds the model. A benchmark starts another `module`, which calls
 * `serveCompute` with something simpler. Throws `compute-failed` when the thread fails.
 */
export async function startCompute(setup: ComputeSetup, module = threadFile): Promise<Compute> {
  letHeapDouble()
  const thread = new Worker(module, { workerData: setup, resourceLimits: { maxYoungGenerationSizeMb } })
  const failed = new Promise<never>((_, reject) => {
    thread.once('error', error => reject(computeFailed(error)))
    thread.once('exit', code => reject(computeFailed(new Error(`the computing thread ended with code ${code}`))))
  })
  const built = new Promise<Extract<FromCompute, { type: 'built' }>>(resolve => {
    thread.once('message', resolve)
  })
  const { layoutHash, backend } = await Promise.race([built, failed])
  return { layoutHash, backend, failed, ...followCompute(thread), stop: async () => void (await thread.terminate()) }
}

/** Messages to and from a computing thread. */
export type ComputePort = {
  readonly postMessage: (message: ToCompute, transfer: ArrayBuffer[]) => void
  readonly on: (event: 'message', listener: (message: FromCompute) => void) => void
}

/** Communicates with a computing thread that has built its model. */
export function followCompute(
  thread: ComputePort,
  clock = systemClock,
): Pick<Compute, 'beginSession' | 'give' | 'progress'> {
  let session = 0
  let progress = createComputeProgress(undefined, clock)
  let onAnswer: (answer: Answer) => void = () => undefined
  let onBegun: (sharesMemory: boolean) => void = () => undefined
  const post = (message: ToCompute, transfer: ArrayBuffer[] = []) => thread.postMessage(message, transfer)

  thread.on('message', (message: FromCompute) => {
    if (message.type === 'built' || message.session !== session) return
    if (message.type === 'session') return onBegun(message.sharesMemory)
    onAnswer({ message: message.message, tensors: message.tensors })
  })

  return {
    beginSession: (terms, listener) => {
      session += 1
      progress = createComputeProgress(undefined, clock)
      onAnswer = listener
      const { runId, workerId, sizes, sharedMemory } = terms
      post({ type: 'session', session, terms: { runId, workerId, sizes, sharedMemory }, progress: progress.memory })
      return new Promise(resolve => {
        onBegun = resolve
      })
    },
    give: received => post({ type: 'message', session, received }, memoryOf(received.tensors)),
    progress: () => progress.read(),
  }
}

/**
 * An error from a thread arrives as a copy, which keeps the fields of a LockstepError but not its class. A compiler's
 * error keeps its code, since the worker is not at fault.
 */
function computeFailed(
  cause: Error & Pick<Partial<LockstepError>, 'code' | 'expected' | 'received' | 'hint'>,
): LockstepError {
  const { expected, received, hint } = cause
  const code = cause.code?.startsWith('compile-') ? cause.code : 'compute-failed'
  return new LockstepError(code, `the computation failed: ${cause.message}`, { expected, received, hint, cause })
}
