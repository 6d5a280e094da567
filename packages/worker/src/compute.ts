import { Worker } from 'node:worker_threads'
import { LockstepError, type Received } from '@lockstep/protocol'
import { type ComputeSetup, type FromCompute, memoryOf, type ToCompute } from './compute-messages.ts'
import type { Answer } from './replica.ts'

/** The computing thread as the connected thread sees it. */
export type Compute = {
  readonly layoutHash: string
  readonly backend: string
  /** Begins a connection: answers to earlier ones are dropped from here on. */
  readonly beginSession: (onAnswer: (answer: Answer) => void) => void
  readonly give: (received: Received) => void
  /** The step it has reached, what it has yet to answer, and for how long it has finished nothing. */
  readonly progress: () => { readonly step: number; readonly pending: number; readonly quietMs: number }
  /** Rejects when the thread fails; never resolves. */
  readonly failed: Promise<never>
  readonly stop: () => Promise<void>
}

/** Starts a thread that loads TensorFlow and builds the model. Throws `compute-failed` when it cannot. */
export async function startCompute(setup: ComputeSetup): Promise<Compute> {
  const thread = new Worker(new URL('./compute-thread.js', import.meta.url), { workerData: setup })
  const failed = new Promise<never>((_, reject) => {
    thread.once('error', error => reject(computeFailed(error)))
    thread.once('exit', code => reject(computeFailed(new Error(`the computing thread ended with code ${code}`))))
  })
  const built = new Promise<Extract<FromCompute, { type: 'built' }>>(resolve => {
    thread.once('message', resolve)
  })
  const { layoutHash, backend } = await Promise.race([built, failed])
  return { layoutHash, backend, failed, ...follow(thread), stop: async () => void (await thread.terminate()) }
}

function follow(thread: Worker): Pick<Compute, 'beginSession' | 'give' | 'progress'> {
  const reached = { session: 0, step: 0, pending: 0, atMs: performance.now() }
  let onAnswer: (answer: Answer) => void = () => undefined

  thread.on('message', (message: FromCompute) => {
    if (message.type === 'built' || message.session !== reached.session) return
    reached.atMs = performance.now()
    if (message.type === 'step') {
      reached.step = message.step
      return
    }
    reached.pending -= 1
    onAnswer(message)
  })

  return {
    beginSession: listener => {
      onAnswer = listener
      Object.assign(reached, { session: reached.session + 1, step: 0, pending: 0, atMs: performance.now() })
    },
    give: received => {
      const { message } = received
      if (message.type === 'work' || message.type === 'evaluate') {
        if (reached.pending === 0) reached.atMs = performance.now()
        reached.pending += 1
      }
      const toCompute: ToCompute = { session: reached.session, received }
      thread.postMessage(toCompute, memoryOf(received.tensors))
    },
    progress: () => ({ step: reached.step, pending: reached.pending, quietMs: performance.now() - reached.atMs }),
  }
}

function computeFailed(cause: Error): LockstepError {
  if (cause instanceof LockstepError) return cause
  return new LockstepError('compute-failed', `the computation failed: ${cause.message}`, { cause })
}
