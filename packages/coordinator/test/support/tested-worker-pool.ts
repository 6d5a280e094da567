import type { RunConfig } from '@lockstep/protocol'
import { onTestFinished, vi } from 'vitest'
import type { CoordinatorEvent } from '../../src/events.ts'
import type { SendableTask } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'
import { heartbeatMs } from '../../src/membership/timeouts.ts'
import type { Lanes } from '../../src/shared-memory/lanes.ts'
import { workKey } from '../../src/training/batch-gradient.ts'
import { createWorkerPool } from '../../src/worker-pool.ts'
import { createFakePeer, type FakePeer } from './fake-peer.ts'
import { createIdleTiming } from './idle-timing.ts'
import { echoOf, heartbeat, hello, ready, token } from './test-membership.ts'
import { tinyPlan } from './tiny-plan.ts'

export const waitMs = 10_000

/** The timers of a worker pool, which the test fakes. */
export const poolTimers = {
  toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'],
} satisfies Parameters<typeof vi.useFakeTimers>[0]

/** A worker pool for the tiny plan, with peers that the test controls. It is stopped at the end of the test. */
export function createTestedPool(
  changes: Partial<RunConfig> = {},
  lanes: Lanes | null = null,
  quorum = 1,
  hasLocalWorkers = false,
) {
  const plan = tinyPlan(changes)
  const stop = new AbortController()
  const events: CoordinatorEvent[] = []
  const pool = createWorkerPool({
    plan,
    life: 1,
    quorum,
    token,
    waitMs,
    hasLocalWorkers,
    shareMemory: false,
    lanes,
    topology: 'star',
    timing: createIdleTiming(),
    stop: stop.signal,
    onEvent: event => events.push(event),
  })
  onTestFinished(pool.stop)
  const { runId, layoutHash } = plan.identity

  /** A peer that has been welcomed and is not ready yet. */
  function arrive(): FakePeer {
    const peer = createFakePeer()
    pool.membership.accept('memory', peer.connect)
    peer.say(hello)
    return peer
  }

  function join(): FakePeer {
    const peer = arrive()
    peer.say({ ...ready, runId, layoutHash })
    return peer
  }

  /** Lets time pass while these peers send their heartbeats. */
  function pass(durationMs: number, ...alive: readonly FakePeer[]): void {
    for (let passed = 0; passed < durationMs; passed += heartbeatMs) {
      for (const peer of alive) peer.say({ ...heartbeat, runId, echo: echoOf(peer) })
      vi.advanceTimersByTime(heartbeatMs)
    }
  }

  return { plan, pool, events, stop, arrive, join, pass }
}

/** Shard 1 of step 0, with 5 samples. */
export const tinyTask: SendableTask<Answer> = {
  key: workKey(0, 1),
  step: 0,
  index: 1,
  kind: 'gradient',
  samples: 5,
  order: { type: 'work', runId: 'tiny-run', step: 0, shard: 1, count: 5 },
  tensors: () => ({ pixels: new Uint8Array(5 * 3072), labels: new Uint8Array(5), keys: new Int32Array(5) }),
  findFault: () => null,
}
