import type { MessageOf, Received, RunConfig, Tensors } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import type { Answer } from './replica.ts'

/** What the computing thread is started with. */
export type ComputeSetup = {
  readonly config: RunConfig
  /** The layers of the model. */
  readonly topology: string
  readonly provisioned: Provisioned
}

/** What the computing thread must know of a connection before its first message. */
export type SessionTerms = Pick<MessageOf<'welcome'>, 'runId' | 'workerId' | 'sizes' | 'sharedMemory'>

/**
 * Messages to the computing thread. `session` numbers the connections, so that answers meant for an earlier one are
 * recognised.
 */
export type ToCompute =
  | {
      readonly type: 'session'
      readonly session: number
      readonly terms: SessionTerms
      /** The memory in which the thread reports its progress. */
      readonly progress: SharedArrayBuffer
    }
  | { readonly type: 'message'; readonly session: number; readonly received: Received }

/** Messages from the computing thread. */
export type FromCompute =
  | { readonly type: 'built'; readonly layoutHash: string; readonly backend: string }
  | { readonly type: 'session'; readonly session: number; readonly sharesMemory: boolean }
  | ({ readonly type: 'answer'; readonly session: number } & Answer)

/**
 * The memory under tensors, to be moved to another thread instead of copied. Received tensors own theirs. Memory that
 * threads already share is not moved.
 */
export function memoryOf(tensors: Tensors): ArrayBuffer[] {
  const buffers = new Set(Object.values(tensors).map(data => data.buffer))
  return [...buffers].filter(buffer => buffer instanceof ArrayBuffer)
}
