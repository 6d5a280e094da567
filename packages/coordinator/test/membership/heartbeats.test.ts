import { describe, expect, test } from 'vitest'
import { findHang, noteHeartbeat } from '../../src/membership/heartbeats.ts'
import { type Member, newMember } from '../../src/membership/member.ts'
import type { Timeouts } from '../../src/membership/timeouts.ts'
import { createFakePeer } from '../support/fake-peer.ts'
import { timeouts } from '../support/test-membership.ts'
import { tinyTask } from '../support/tested-worker-pool.ts'

const facts = { id: 1, name: 'w', host: 'h', device: 'cpu', cores: 1, backend: '' }
const connection = createFakePeer().connect({ onMessage: () => undefined, onClose: () => undefined })

function newWorker(): Member {
  return { ...newMember('here', 0), connection, facts, active: true }
}

describe('the computation of a member', () => {
  /** What is found after these heartbeats, each with a number of due shards and the time since the last result. */
  function hangAfter(...heartbeats: readonly (readonly [pending: number, quietMs: number])[]): string | null {
    const worker = newWorker()
    for (const [pending, quietMs] of heartbeats) {
      const heartbeat = { type: 'heartbeat', runId: 'r', step: 3, pending, quietMs, sentMs: 0, echo: null } as const
      noteHeartbeat(worker, heartbeat, timeouts, 0)
    }
    return findHang(worker, timeouts, 0)
  }
  /** One due shard every second, up to this time. */
  const quietUntil = (endMs: number) =>
    Array.from({ length: endMs / 1000 }, (_, index) => [1, 1000 * (index + 1)] as const)

  test('hangs if it finishes nothing for longer than permitted', () => {
    expect(hangAfter(...quietUntil(30_000))).toBeNull()
    expect(hangAfter(...quietUntil(31_000))).toBe('hung at step 3 for 31.0 s')
  })

  test('does not hang while it finishes something now and then', () => {
    expect(hangAfter(...quietUntil(29_000), [2, 10], ...quietUntil(29_000))).toBeNull()
  })

  test('does not hang while it has nothing to do', () => {
    expect(hangAfter(...quietUntil(29_000), [0, 1e9], [0, 2e9])).toBeNull()
  })

  test('does not count as hung because its process was suspended', () => {
    // Ten minutes without a heartbeat count only as much as the longest permitted silence.
    expect(hangAfter(...quietUntil(28_000), [1, 628_000])).toBeNull()
    expect(hangAfter(...quietUntil(28_000), [1, 628_000], [1, 629_000])).toBe('hung at step 3 for 30.6 s')
  })
})

describe('a member that reports no work', () => {
  /** Sends a heartbeat a second up to this time, each with what `say` returns for it. Returns what is found then. */
  function createBeats(dueTask: Timeouts['dueTask']) {
    const worker = newWorker()
    let nowMs = 0
    return (untilMs: number, say: (nowMs: number) => { readonly pending: number; readonly echoMs: number }) => {
      while (nowMs < untilMs) {
        nowMs += 1000
        const { pending, echoMs } = say(nowMs)
        const echo = { sentMs: echoMs, receivedMs: 0 }
        const heartbeat = { type: 'heartbeat', runId: 'r', step: 0, pending, quietMs: 0, sentMs: 0, echo } as const
        noteHeartbeat(worker, heartbeat, { ...timeouts, dueTask }, nowMs)
      }
      return { hang: findHang(worker, { ...timeouts, dueTask }, nowMs), deafMs: worker.deafMs }
    }
  }
  const idle = (nowMs: number) => ({ pending: 0, echoMs: nowMs - 100 })
  const since = (sinceMs: number) => () => ({ task: tinyTask, sinceMs })

  test('has lost a task that has reached it if it does not answer for longer than permitted', () => {
    const beat = createBeats(since(500))
    expect(beat(30_000, idle).hang).toBeNull()
    expect(beat(31_000, idle).hang).toBe(
      'reports no work, but has not answered the gradient of shard 1 of step 1 for 30.5 s',
    )
  })

  test('has lost no task while none is due', () => {
    expect(createBeats(() => null)(600_000, idle).hang).toBeNull()
  })

  test('gets the full time for a task, even after it was idle', () => {
    let dueTask: ReturnType<Timeouts['dueTask']> = null
    const beat = createBeats(() => dueTask)
    beat(600_000, idle)
    dueTask = { task: tinyTask, sinceMs: 600_000 }
    expect(beat(630_000, idle).hang).toBeNull()
    expect(beat(632_000, idle).hang).not.toBeNull()
    // It answers, and gets another task.
    dueTask = { task: tinyTask, sinceMs: 632_000 }
    expect(beat(633_000, idle).hang).toBeNull()
  })

  test('has lost no task that it has meanwhile reported as due', () => {
    const beat = createBeats(since(0))
    beat(29_000, idle)
    beat(30_000, nowMs => ({ pending: 1, echoMs: nowMs - 100 }))
    expect(beat(59_000, idle).hang).toBeNull()
  })

  test('has lost no task that is still in transit', () => {
    // The heartbeat that it echoes was sent before the task.
    expect(createBeats(since(500))(600_000, () => ({ pending: 0, echoMs: 400 })).hang).toBeNull()
    // A long message that the task depends on is in transit, and heartbeats wait behind it.
    const { hang, deafMs } = createBeats(since(500))(600_000, () => ({ pending: 0, echoMs: 600 }))
    expect([hang, deafMs]).toEqual([null, 599_000])
  })

  test('is no longer deaf once it reads again', () => {
    const beat = createBeats(() => null)
    expect(beat(50_000, () => ({ pending: 0, echoMs: 400 })).deafMs).toBe(49_000)
    expect(beat(51_000, idle).deafMs).toBe(0)
  })
})
