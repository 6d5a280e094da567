import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Order } from '../src/exchange.ts'
import type { FakePeer } from './support/fake-peer.ts'
import { echoOf, gradient, gradientTensors, heartbeat, ready } from './support/lobby.ts'
import { createTestedPool, poolTimers, tinyTask } from './support/tested-worker-pool.ts'

beforeEach(() => void vi.useFakeTimers(poolTimers))
afterEach(() => void vi.useRealTimers())

test('lanes are closed with the crew', () => {
  const close = vi.fn()
  const { pool } = createTestedPool({}, { name: `lockstep-${'0'.repeat(32)}`, close })
  expect(close).not.toHaveBeenCalled()
  pool.stop()
  expect(close).toHaveBeenCalled()
})

describe('a worker that joins', () => {
  test('is told the run and given weights and moments as they are', () => {
    const { plan, join } = createTestedPool()
    plan.state.step = 5
    const [first, second] = plan.state.optimizer.moments
    first!.fill(0.25)
    second!.fill(0.5)
    const peer = join()
    // 10 samples in 4 shards are at most 3 in one, but a chunk of an evaluation has 250.
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

  test('does not learn in which folder of the coordinator the file of the model lies', () => {
    const { plan, join } = createTestedPool({ model: '/home/someone/models/wide.ts' })
    expect(join().last('welcome')).toMatchObject({ config: { ...plan.config, model: 'wide.ts' } })
  })

  test('answers under the key of its task', async () => {
    const { pool, join } = createTestedPool()
    const peer = join()
    const result = pool.exchange.submit(tinyTask)
    peer.say({ ...gradient, runId: 'tiny-run' }, gradientTensors)
    await expect(result).resolves.toMatchObject({ workerId: 1, message: { shard: 1 } })
  })
})

describe('the clocks of a crew', () => {
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

  test('fail what three workers in turn hang at, which are each sent for another computing thread', async () => {
    const { pool, join } = createTestedPool()
    const result = pool.exchange.submit(tinyTask)
    const hangAt = () => {
      const peer = join()
      // 5 samples of unknown pace have 65 s.
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

  test('send a worker away that lives, and does not say how far it came in a group that is over', async () => {
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

  test('send the only worker away when it has lost its task, and give the task to who comes next', () => {
    const { pool, join, pass, events } = createTestedPool()
    const forgetful = join()
    void pool.exchange.submit(tinyTask)
    // 60 s and one more for each of five samples.
    pass(65_100, forgetful)
    expect(forgetful.ending()).toBe('open')
    pass(900, forgetful)
    const reason = 'reports no work, but has not answered the gradient of shard 1 of step 1 for 65.1 s'
    expect(forgetful.last('bye')).toEqual({ type: 'bye', code: 'hung', reason })
    expect(events).toContainEqual(expect.objectContaining({ type: 'worker-lost', cause: 'hung', reason }))
    expect(join().last('work')).toEqual(forgetful.last('work'))
  })

  test.each([
    ['waits for others of its group', { group: { id: 1, total: 10, learningRate: 0.1 } }, 0],
    ['has not been told the step before', {}, 1],
  ])('let a worker stay that %s', (_, changes, step) => {
    const { pool, join, pass } = createTestedPool()
    const peer = join()
    void pool.exchange.submit({ ...tinyTask, step, order: { ...tinyTask.order, ...changes, step } as Order })
    pass(300_000, peer)
    expect([peer.ending(), peer.last('work')?.step]).toEqual(['open', step])
  })

  test('stand still once it is stopped, also when a worker goes afterwards', () => {
    const { pool, join, stop } = createTestedPool()
    const peer = join()
    pool.stop()
    peer.hangUp()
    stop.abort()
    expect(vi.getTimerCount()).toBe(0)
  })
})
