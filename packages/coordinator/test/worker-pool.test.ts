import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Order } from '../src/exchange.ts'
import type { FakePeer } from './support/fake-peer.ts'
import { echoOf, gradient, gradientTensors, heartbeat, ready } from './support/test-membership.ts'
import { createTestedPool, poolTimers, tinyTask } from './support/tested-worker-pool.ts'

beforeEach(() => void vi.useFakeTimers(poolTimers))
afterEach(() => void vi.useRealTimers())

test('a worker pool that stops closes its lanes', () => {
  const close = vi.fn()
  const { pool } = createTestedPool({}, { name: `lockstep-${'0'.repeat(32)}`, close })
  expect(close).not.toHaveBeenCalled()
  pool.stop()
  expect(close).toHaveBeenCalled()
})

describe('a worker that joins', () => {
  test('receives the run and its current weights and moments', () => {
    const { plan, join } = createTestedPool()
    plan.state.step = 5
    const [first, second] = plan.state.optimizer.moments
    first!.fill(0.25)
    second!.fill(0.5)
    const peer = join()
    // A shard has at most 3 samples (10 in 4 shards), but a chunk of an evaluation has 250.
    const sizes = { weights: 27, trainable: 21, moments: 2, bytesPerSample: 3072, maxSamples: 250 }
    expect(peer.last('welcome')).toMatchObject({
      runId: 'tiny-run',
      config: plan.config,
      topology: plan.identity.topology,
      sizes,
    })
    const { message, tensors } = peer.received.find(({ message }) => message.type === 'state')!
    expect(message).toEqual({ type: 'state', runId: 'tiny-run', step: 5, powers: [1, 1] })
    expect(tensors.weights).toEqual(plan.state.weights)
    expect([...tensors.moments!]).toEqual([...new Array(21).fill(0.25), ...new Array(21).fill(0.5)])
  })

  test('receives the name of the model file without its folder', () => {
    const { plan, join } = createTestedPool({ model: '/home/someone/models/wide.ts' })
    expect(join().last('welcome')).toMatchObject({ config: { ...plan.config, model: 'wide.ts' } })
  })

  test('completes its task with its answer', async () => {
    const { pool, join } = createTestedPool()
    const peer = join()
    const result = pool.exchange.submit(tinyTask)
    peer.say({ ...gradient, runId: 'tiny-run' }, gradientTensors)
    await expect(result).resolves.toMatchObject({ workerId: 1, message: { shard: 1 } })
  })
})

describe('the timers of a worker pool', () => {
  test('drop a silent worker and give its work to another', () => {
    const { pool, join, pass, events } = createTestedPool()
    const silent = join()
    void pool.exchange.submit(tinyTask)
    expect(silent.last('work')).toBeDefined()
    const other = join()
    pass(2400, other)
    expect(silent.ending()).toBe('terminated')
    expect(other.last('work')).toEqual(silent.last('work'))
    expect(events.at(-1)).toMatchObject({ type: 'worker-lost', active: 1 })
  })

  test('fail a task on which three workers in turn hang, and drop each of them as hung', async () => {
    const { pool, join } = createTestedPool()
    const result = pool.exchange.submit(tinyTask)
    const hangAt = () => {
      const peer = join()
      // At an unknown pace, 5 samples have 65 s.
      for (let quietMs = 300; quietMs <= 66_000; quietMs += 300) {
        peer.say({ ...heartbeat, runId: 'tiny-run', pending: 1, quietMs, echo: echoOf(peer) })
        vi.advanceTimersByTime(300)
      }
      return peer.last('bye')?.code
    }
    const failed = expect(result).rejects.toMatchObject({
      code: 'computation-hangs',
      message: 'the gradient of shard 1 of step 1 could not be computed: 3 workers in turn hung on it',
      received: 'none, from the last of them for 65 s',
    })
    expect([hangAt(), hangAt(), hangAt()]).toEqual(['hung', 'hung', 'hung'])
    await failed
  })

  test('drop a live worker that does not report its last step in a dissolved group', async () => {
    const { plan, pool, arrive, pass } = createTestedPool()
    const { runId, layoutHash } = plan.identity
    const peers = [1, 2].map(() => {
      const peer = arrive()
      peer.say({ ...ready, runId, layoutHash, peer: { host: '10.0.0.1', port: 1 } })
      return peer
    })
    const [sound, mute] = peers as [FakePeer, FakePeer]
    pool.direct.introduce()
    for (const peer of peers) peer.say({ type: 'linked', runId, group: 1 })
    const { settled } = pool.direct.current()!
    sound.say({ type: 'unlinked', runId, group: 1, reason: 'reset by peer' })
    sound.say({ type: 'dissolved', runId, group: 1, step: 3 })
    pass(9_600, ...peers)
    expect(mute.ending()).toBe('open')
    pass(1_200, ...peers)
    expect(mute.last('bye')).toEqual({ type: 'bye', code: 'refused', reason: 'no answer to dissolve for 10 s' })
    expect(sound.ending()).toBe('open')
    expect([...(await settled)]).toEqual([[1, 3]])
  })

  test('drop the only worker when it has lost its task, and give the task to the next one that joins', () => {
    const { pool, join, pass, events } = createTestedPool()
    const forgetful = join()
    void pool.exchange.submit(tinyTask)
    // 60 s, plus 1 s for each of five samples.
    pass(65_100, forgetful)
    expect(forgetful.ending()).toBe('open')
    pass(900, forgetful)
    const reason = 'reports no work, but has not answered the gradient of shard 1 of step 1 for 65.1 s'
    expect(forgetful.last('bye')).toEqual({ type: 'bye', code: 'hung', reason })
    expect(events).toContainEqual(expect.objectContaining({ type: 'worker-lost', cause: 'hung', reason }))
    expect(join().last('work')).toEqual(forgetful.last('work'))
  })

  test.each([
    ['is waiting for others of its group', { group: { id: 1, total: 10, learningRate: 0.1 } }, 0],
    ['is waiting for the update of the step before', {}, 1],
  ])('keep a worker that %s', (_, changes, step) => {
    const { pool, join, pass } = createTestedPool()
    const peer = join()
    void pool.exchange.submit({ ...tinyTask, step, order: { ...tinyTask.order, ...changes, step } as Order })
    pass(300_000, peer)
    expect([peer.ending(), peer.last('work')?.step]).toEqual(['open', step])
  })

  test('end when it is stopped, even if a worker leaves afterwards', () => {
    const { pool, join, stop } = createTestedPool()
    const peer = join()
    pool.stop()
    peer.hangUp()
    stop.abort()
    expect(vi.getTimerCount()).toBe(0)
  })
})
