import type { Received } from '@lockstep/protocol'
import type { Compute } from '../../src/compute.ts'
import type { Answer } from '../../src/replica.ts'
import type { SessionOptions } from '../../src/session.ts'
import { token } from './configuration.ts'

export const layoutHash = 'cd'.repeat(32)

/** A computing thread that does only what the test makes it do. */
export function createIdleCompute() {
  const given: Received[] = []
  const thread = { answer: (_: Answer) => {}, fail: (_: Error) => {}, pending: 0, sharesMemory: false }
  const failed = new Promise<never>((_, reject) => {
    thread.fail = reject
  })
  const compute: Compute = {
    layoutHash,
    backend: 'idle',
    failed,
    beginSession: async (_, onAnswer) => {
      thread.answer = onAnswer
      return thread.sharesMemory
    },
    give: received => given.push(received),
    progress: () => ({ step: 3, pending: thread.pending, quietMs: 0.5 }),
    stop: async () => undefined,
  }
  return { compute, thread, given }
}

/** A session that works with this thread. */
export function sessionOptions(url: string, compute: Compute, signal: AbortSignal): SessionOptions {
  return {
    url,
    trust: undefined,
    token,
    name: 'w',
    device: 'cpu',
    cores: 2,
    answerTimeoutMs: 5000,
    prepare: async () => compute,
    refuseWelcome: () => null,
    onHang: () => undefined,
    onWelcome: () => undefined,
    onReady: () => undefined,
    signal,
  }
}
