import { describeError, LockstepError } from '@lockstep/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CoordinatorEvent } from '../../src/events.ts'
import { heartbeatMs } from '../../src/membership/timeouts.ts'
import { gradient, gradientTensors, ready } from '../support/test-membership.ts'
import { createTestedPool, poolTimers, tinyTask, waitMs } from '../support/tested-worker-pool.ts'

beforeEach(() => void vi.useFakeTimers(poolTimers))
afterEach(() => void vi.useRealTimers())

describe('the wait for enough workers', () => {
  test('lasts until as many as wanted have joined', async () => {
    const { pool, join } = createTestedPool()
    let gathered = false
    const wait = pool.awaitWorkers(2)!.then(() => (gathered = true))
    join()
    await Promise.resolve()
    expect(gathered).toBe(false)
    join()
    await wait
    expect(pool.awaitWorkers(1)).toBeNull()
  })

  test('does not count a worker that has left', async () => {
    const { pool, join } = createTestedPool()
    let gathered = false
    const wait = pool.awaitWorkers(2)!.then(() => (gathered = true))
    join().hangUp()
    join()
    await new Promise(setImmediate)
    expect(gathered).toBe(false)
    join()
    await wait
  })

  test('fails with the error of an abort, also of an earlier one', async () => {
    const error = new LockstepError('workers-ended', 'all have ended')
    const { pool } = createTestedPool()
    const wait = pool.awaitWorkers(1)
    pool.abort(error)
    await expect(wait).rejects.toBe(error)
    // A later error does not replace the first.
    pool.abort(new LockstepError('no-workers', 'no worker has been there'))
    await expect(pool.awaitWorkers(1)).rejects.toBe(error)
  })

  test('is interrupted by a stop request, made before or meanwhile', async () => {
    const { pool, stop, join } = createTestedPool()
    const wait = pool.awaitWorkers(2)
    join()
    stop.abort()
    await expect(wait).rejects.toMatchObject({ code: 'interrupted' })
    const late = createTestedPool()
    late.stop.abort()
    await expect(late.pool.awaitWorkers(1)).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe('a run that needs two workers', () => {
  const createPair = () => {
    const tested = createTestedPool({}, null, 2)
    return { ...tested, peers: [tested.join(), tested.join()] as const }
  }
  const shortages = (events: readonly CoordinatorEvent[]) => events.filter(({ type }) => type === 'short-of-workers')

  test('waits while there is only one, reports it once, and continues when another joins', async () => {
    const { pool, join, peers, events, pass } = createPair()
    expect(pool.awaitWorkers(2)).toBeNull()
    peers[0].hangUp()
    const waiting = pool.awaitWorkers(2)
    pass(10 * waitMs, peers[1])
    expect(shortages(events)).toEqual([{ type: 'short-of-workers', active: 1, wanted: 2, giveUpMs: null }])
    join()
    await waiting
    expect(pool.awaitWorkers(2)).toBeNull()
  })

  test('gives up only when it has lost both', async () => {
    const { pool, peers, events, pass } = createPair()
    peers[0].hangUp()
    const waiting = pool.awaitWorkers(2)!.catch((error: LockstepError) => error.code)
    peers[1].hangUp()
    pass(waitMs)
    expect(await waiting).toBe('no-workers')
    expect(shortages(events)).toHaveLength(1)
  })

  test('is interrupted by a stop request while it waits', async () => {
    const { pool, peers, stop } = createPair()
    peers[0].hangUp()
    const waiting = pool.awaitWorkers(2)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('no longer waits for a worker that will never join', async () => {
    const { pool, peers } = createPair()
    peers[0].hangUp()
    const waiting = pool.awaitWorkers(2)
    pool.expect(1)
    await waiting
    expect(pool.awaitWorkers(2)).toBeNull()
    peers[1].hangUp()
    expect(pool.awaitWorkers(2)).not.toBeNull()
    // Without any worker it has to wait, even if none will join.
    pool.expect(0)
    expect(pool.awaitWorkers(2)).not.toBeNull()
  })
})

describe('a run without workers', () => {
  test('waits for one for `waitMs`, and then fails', async () => {
    const { pool, join, pass } = createTestedPool()
    const work = pool.exchange.submit(tinyTask)
    join().hangUp()
    pass(waitMs - heartbeatMs)
    const peer = join()
    let hasFailed = false
    work.catch(() => {
      hasFailed = true
    })
    pass(2 * waitMs, peer)
    await new Promise(setImmediate)
    expect(hasFailed).toBe(false)
    peer.hangUp()
    pass(waitMs)
    await expect(work).rejects.toMatchObject({ code: 'no-workers', message: 'no worker has been connected for 10 s' })
  })

  test('fails with the reason of the last worker that failed', async () => {
    const { pool, join, pass } = createTestedPool()
    const work = pool.exchange.submit(tinyTask).catch((error: LockstepError) => describeError(error))
    join().say({ type: 'bye', code: 'failed', reason: 'the model cannot be compiled' })
    join().say({ type: 'bye', code: 'leaving', reason: 'enough' })
    pass(waitMs)
    expect(await work).toMatch(/^no worker has been connected for 10 s: .*the model cannot be compiled\n/)
  })

  describe('whose model could not be computed', () => {
    const bye = { type: 'bye', code: 'uncomputable', reason: 'the model cannot be compiled' } as const
    const createFailing = (hasLocalWorkers = false) => {
      const tested = createTestedPool({}, null, 1, hasLocalWorkers)
      const ending = vi.fn()
      tested.pool.exchange.submit(tinyTask).catch(ending)
      const error = async () => {
        await new Promise(setImmediate)
        return ending.mock.calls[0]?.[0] as LockstepError | undefined
      }
      return { ...tested, error }
    }

    test('fails at once, with the reason of the last worker', async () => {
      const { join, events, error } = createFailing()
      const [one, another] = [join(), join()]
      one.say(bye)
      // The other worker is still there.
      expect(await error()).toBeUndefined()
      another.say(bye)
      expect(await error()).toMatchObject({
        code: 'uncomputable',
        message: 'no worker can compute this model',
        received: `from the last one: ${bye.reason}`,
      })
      expect(events.map(({ type }) => type)).not.toContain('short-of-workers')
    })

    test('continues if another worker is active', async () => {
      const { join, pass, error } = createFailing()
      const [failing, other] = [join(), join()]
      failing.say(bye)
      expect(other.last('work')).toBeDefined()
      pass(2 * waitMs, other)
      expect(await error()).toBeUndefined()
    })

    test('first waits for the result of a worker that is getting ready', async () => {
      const { join, arrive, plan, error } = createFailing()
      const failing = join()
      const coming = arrive()
      failing.say(bye)
      expect(await error()).toBeUndefined()
      const { runId, layoutHash } = plan.identity
      coming.say({ ...ready, runId, layoutHash })
      coming.say(bye)
      expect(await error()).toMatchObject({ code: 'uncomputable' })
    })

    test('waits if another worker was lost for another reason', async () => {
      const { join, pass, error } = createFailing()
      join().hangUp()
      join().say(bye)
      expect(await error()).toBeUndefined()
      pass(waitMs)
      expect(await error()).toMatchObject({ code: 'no-workers' })
    })

    test('waits if it has local workers, whose parent process decides', async () => {
      const { join, pass, error } = createFailing(true)
      join().say(bye)
      expect(await error()).toBeUndefined()
      pass(waitMs)
      expect(await error()).toMatchObject({ code: 'no-workers' })
    })

    test('is interrupted if it was asked to stop', async () => {
      const { join, stop, error } = createFailing()
      const failing = join()
      stop.abort()
      failing.say(bye)
      expect(await error()).toMatchObject({ code: 'interrupted' })
    })
  })

  test('waits for a worker that is getting ready as long as it stays connected', async () => {
    const { pool, join, arrive, pass } = createTestedPool()
    const work = pool.exchange.submit(tinyTask).catch((error: LockstepError) => error.code)
    join().hangUp()
    const peer = arrive()
    pass(3.5 * waitMs, peer)
    peer.hangUp()
    pass(waitMs)
    expect(await work).toBe('no-workers')
  })

  test('waits for the first one without a limit', async () => {
    const { pool, join, pass } = createTestedPool()
    const wait = pool.awaitWorkers(1)
    pass(10 * waitMs)
    join()
    await wait
  })

  test('is interrupted at once by a stop request, made before or after the last worker is lost', async () => {
    for (const early of [true, false]) {
      const { pool, join, stop } = createTestedPool()
      const work = pool.exchange.submit(tinyTask)
      const peer = join()
      if (early) stop.abort()
      peer.hangUp()
      if (!early) stop.abort()
      await expect(work).rejects.toMatchObject({ code: 'interrupted' })
    }
  })

  test('does not end at a stop request while a worker computes', async () => {
    const { pool, join, stop } = createTestedPool()
    const peer = join()
    const work = pool.exchange.submit(tinyTask)
    stop.abort()
    expect(pool.awaitWorkers(1)).toBeNull()
    peer.say({ ...gradient, runId: 'tiny-run' }, gradientTensors)
    await expect(work).resolves.toMatchObject({ workerId: 1 })
  })
})

test('a run that has ended neither reports nor waits for workers that leave then', () => {
  const { pool, join, events } = createTestedPool()
  const peer = join()
  pool.stop()
  peer.hangUp()
  expect(events.map(({ type }) => type)).not.toContain('short-of-workers')
  expect(vi.getTimerCount()).toBe(0)
})

test('a run that ends while it waits for workers stops waiting', () => {
  const { pool, join } = createTestedPool()
  join().hangUp()
  pool.stop()
  expect(vi.getTimerCount()).toBe(0)
})
