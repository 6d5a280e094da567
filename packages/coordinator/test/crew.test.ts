import { LockstepError, type RunConfig } from '@lockstep/protocol'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCrew, heartbeatMs } from '../src/crew.ts'
import type { CoordinatorEvent } from '../src/events.ts'
import type { SendableTask } from '../src/exchange.ts'
import type { Answer } from '../src/membership/answer.ts'
import type { Lanes } from '../src/shared-memory/lanes.ts'
import { workKey } from '../src/training/batch-gradient.ts'
import { createFakePeer, type FakePeer } from './support/fake-peer.ts'
import { createIdleTiming } from './support/idle-timing.ts'
import { gradient, gradientTensors, heartbeat, hello, ready, token } from './support/lobby.ts'
import { tinyPlan } from './support/tiny-plan.ts'

const waitMs = 10_000

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'] }),
)
afterEach(() => void vi.useRealTimers())

function createTested(changes: Partial<RunConfig> = {}, lanes: Lanes | null = null, quorum = 1) {
  const plan = tinyPlan(changes)
  const stop = new AbortController()
  const events: CoordinatorEvent[] = []
  const crew = createCrew({
    plan,
    life: 1,
    quorum,
    token,
    waitMs,
    shareMemory: false,
    lanes,
    topology: 'star',
    timing: createIdleTiming(),
    stop: stop.signal,
    onEvent: event => events.push(event),
  })
  onTestFinished(crew.stop)
  const { runId, layoutHash } = plan.identity

  function join(): FakePeer {
    const peer = createFakePeer()
    crew.membership.accept('memory', peer.connect)
    peer.say(hello)
    peer.say({ ...ready, runId, layoutHash })
    return peer
  }

  /** Lets time pass while these peers send their heartbeats. */
  function pass(durationMs: number, ...alive: readonly FakePeer[]): void {
    for (let passed = 0; passed < durationMs; passed += heartbeatMs) {
      for (const peer of alive) peer.say({ ...heartbeat, runId })
      vi.advanceTimersByTime(heartbeatMs)
    }
  }

  return { plan, crew, events, stop, join, pass }
}

/** Shard 1 of step 0, with 5 samples. */
const task: SendableTask<Answer> = {
  key: workKey(0, 1),
  step: 0,
  index: 1,
  kind: 'gradient',
  samples: 5,
  order: { type: 'work', runId: 'tiny-run', step: 0, shard: 1, count: 5 },
  tensors: () => ({ pixels: new Uint8Array(5 * 3072), labels: new Uint8Array(5), keys: new Int32Array(5) }),
  findFault: () => null,
}

test('lanes are closed with the crew', () => {
  const close = vi.fn()
  const { crew } = createTested({}, { name: `lockstep-${'0'.repeat(32)}`, close })
  expect(close).not.toHaveBeenCalled()
  crew.stop()
  expect(close).toHaveBeenCalled()
})

describe('a worker that joins', () => {
  test('is told the run and given weights and moments as they are', () => {
    const { plan, join } = createTested()
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
    const { plan, join } = createTested({ model: '/home/someone/models/wide.ts' })
    expect(join().last('welcome')).toMatchObject({ config: { ...plan.config, model: 'wide.ts' } })
  })

  test('answers under the key of its task', async () => {
    const { crew, join } = createTested()
    const peer = join()
    const result = crew.exchange.submit(task)
    peer.say({ ...gradient, runId: 'tiny-run' }, gradientTensors)
    await expect(result).resolves.toMatchObject({ workerId: 1, message: { shard: 1 } })
  })
})

describe('gathering', () => {
  test('waits for as many workers as are wanted', async () => {
    const { crew, join } = createTested()
    let gathered = false
    const gathering = crew.awaitWorkers(2)!.then(() => (gathered = true))
    join()
    await Promise.resolve()
    expect(gathered).toBe(false)
    join()
    await gathering
    expect(crew.awaitWorkers(1)).toBeNull()
  })

  test('does not count a worker that has gone', async () => {
    const { crew, join } = createTested()
    let gathered = false
    const gathering = crew.awaitWorkers(2)!.then(() => (gathered = true))
    join().hangUp()
    join()
    await new Promise(setImmediate)
    expect(gathered).toBe(false)
    join()
    await gathering
  })

  test('ends with the error of an abort, also of one before', async () => {
    const error = new LockstepError('workers-ended', 'all have ended')
    const { crew } = createTested()
    const gathering = crew.awaitWorkers(1)
    crew.abort(error)
    await expect(gathering).rejects.toBe(error)
    await expect(crew.awaitWorkers(1)).rejects.toBe(error)
  })

  test('ends when the run is asked to stop, before or meanwhile', async () => {
    const { crew, stop, join } = createTested()
    const gathering = crew.awaitWorkers(2)
    join()
    stop.abort()
    await expect(gathering).rejects.toMatchObject({ code: 'interrupted' })
    const late = createTested()
    late.stop.abort()
    await expect(late.crew.awaitWorkers(1)).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe('a run that needs two workers', () => {
  const createPair = () => {
    const tested = createTested({}, null, 2)
    return { ...tested, peers: [tested.join(), tested.join()] as const }
  }
  const shortages = (events: readonly CoordinatorEvent[]) => events.filter(({ type }) => type === 'short-of-workers')

  test('waits while there is only one, says so once, and goes on with the next', async () => {
    const { crew, join, peers, events, pass } = createPair()
    expect(crew.awaitWorkers(2)).toBeNull()
    peers[0].hangUp()
    const waiting = crew.awaitWorkers(2)
    pass(10 * waitMs, peers[1])
    expect(shortages(events)).toEqual([{ type: 'short-of-workers', active: 1, wanted: 2, giveUpMs: null }])
    join()
    await waiting
    expect(crew.awaitWorkers(2)).toBeNull()
  })

  test('gives up only when it has lost both', async () => {
    const { crew, peers, events, pass } = createPair()
    peers[0].hangUp()
    const waiting = crew.awaitWorkers(2)!.catch((error: LockstepError) => error.code)
    peers[1].hangUp()
    pass(waitMs)
    expect(await waiting).toBe('no-workers')
    expect(shortages(events)).toHaveLength(1)
  })

  test('ends when it is asked to stop while it waits', async () => {
    const { crew, peers, stop } = createPair()
    peers[0].hangUp()
    const waiting = crew.awaitWorkers(2)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('no longer waits for one that will never come', async () => {
    const { crew, peers } = createPair()
    peers[0].hangUp()
    const waiting = crew.awaitWorkers(2)
    crew.expect(1)
    await waiting
    expect(crew.awaitWorkers(2)).toBeNull()
    peers[1].hangUp()
    expect(crew.awaitWorkers(2)).not.toBeNull()
  })
})

describe('a run without workers', () => {
  test('waits for one as long as it is told to, and fails then', async () => {
    const { crew, join, pass } = createTested()
    const work = crew.exchange.submit(task)
    join().hangUp()
    pass(waitMs - heartbeatMs)
    const peer = join()
    pass(2 * waitMs, peer)
    peer.hangUp()
    pass(waitMs)
    await expect(work).rejects.toMatchObject({ code: 'no-workers', message: 'no worker has been there for 10 s' })
  })

  test('waits without end for the first one', async () => {
    const { crew, join, pass } = createTested()
    const gathering = crew.awaitWorkers(1)
    pass(10 * waitMs)
    join()
    await gathering
  })

  test('ends at once when it is asked to stop, then or before', async () => {
    for (const early of [true, false]) {
      const { crew, join, stop } = createTested()
      const work = crew.exchange.submit(task)
      const peer = join()
      if (early) stop.abort()
      peer.hangUp()
      if (!early) stop.abort()
      await expect(work).rejects.toMatchObject({ code: 'interrupted' })
    }
  })

  test('is not asked to end by a stop while somebody works', async () => {
    const { crew, join, stop } = createTested()
    const peer = join()
    const work = crew.exchange.submit(task)
    stop.abort()
    peer.say({ ...gradient, runId: 'tiny-run' }, gradientTensors)
    await expect(work).resolves.toMatchObject({ workerId: 1 })
  })
})

describe('the clocks of a crew', () => {
  test('drop a silent worker and give its work to another', () => {
    const { crew, join, pass, events } = createTested()
    const silent = join()
    void crew.exchange.submit(task)
    expect(silent.last('work')).toBeDefined()
    const other = join()
    pass(2400, other)
    expect(silent.ending()).toBe('terminated')
    expect(other.last('work')).toEqual(silent.last('work'))
    expect(events.at(-1)).toMatchObject({ type: 'worker-lost', active: 1 })
  })

  test('stand still once it is stopped, also when a worker goes afterwards', () => {
    const { crew, join, stop } = createTested()
    const peer = join()
    crew.stop()
    peer.hangUp()
    stop.abort()
    expect(vi.getTimerCount()).toBe(0)
  })
})
