import type { CoordinatorEvent } from '@lockstep/coordinator'
import type { DataSet } from '@lockstep/data'
import type { MessageOf } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { WorkerEvent } from '../src/run-worker.ts'
import { systemWorld, type WorkerWorld } from '../src/world.ts'
import { type Guest, startBareCoordinator } from './support/bare-coordinator.ts'
import { cleanUp } from './support/clean-up.ts'
import { welcome } from './support/configuration.ts'
import { createIdleCompute } from './support/idle-compute.ts'
import { startProxy } from './support/proxy.ts'
import { createFewShapes, startRun, startWorker } from './support/real-run.ts'
import { provisionForTests } from './support/tensorflow.ts'

let provisioned: Provisioned
let dataSet: DataSet
let expectedSha256: string

beforeAll(async () => {
  provisioned = await provisionForTests()
  dataSet = createFewShapes()
  const { url, finished } = await startRun(dataSet)
  startWorker(url, provisioned)
  expectedSha256 = (await finished).weightsSha256
  await cleanUp()
})

afterEach(cleanUp)

const retries = (events: readonly WorkerEvent[]) => events.filter(event => event.type === 'retrying')
/** A world without randomness, whose computing threads do nothing. */
const idleWorld: WorkerWorld = {
  ...systemWorld,
  random: () => 0.5,
  startCompute: async () => createIdleCompute().compute,
}
const lossOf = (events: readonly CoordinatorEvent[]) => events.find(event => event.type === 'worker-lost')?.reason

describe('a worker', () => {
  test('trains until the run ends, and reports events', async () => {
    const { url, finished, events } = await startRun(dataSet)
    const worker = startWorker(url, provisioned, { name: 'tester' })
    const summary = await finished
    expect(await worker.ended).toEqual({ type: 'finished', reason: 'the run is completed' })
    expect(summary).toMatchObject({ status: 'completed', weightsSha256: expectedSha256 })
    // 160 of the 200 images train in each of the 2 epochs: 6 batches of 30 images (the last one of 10) in 3 shards.
    expect(summary.perWorker).toMatchObject([{ name: 'tester', device: 'cpu', samples: 320, shards: 36 }])
    expect(worker.events.map(({ type }) => type)).toEqual(['connected', 'ready'])
    const joined = events.find(event => event.type === 'worker-joined')
    expect(joined?.worker.backend).toMatch(/^(TensorFlow \d|WebAssembly)/)
  })

  test('trains bit-identical weights together with another one', async () => {
    const { url, finished } = await startRun(dataSet, { minWorkers: 2 })
    const workers = [startWorker(url, provisioned), startWorker(url, provisioned)]
    const summary = await finished
    expect(summary.weightsSha256).toBe(expectedSha256)
    expect(summary.perWorker.reduce((sum, { samples }) => sum + samples, 0)).toBe(320)
    for (const { ended } of workers) expect(await ended).toMatchObject({ type: 'finished' })
  })

  test('ends with an interrupted run, and fails with a run that fails', async () => {
    const interrupted = await startRun(dataSet, {
      onEvent: event => event.type === 'step' && event.step === 1 && interrupted.stop.abort(),
    })
    const worker = startWorker(interrupted.url, provisioned)
    expect(await worker.ended).toEqual({ type: 'finished', reason: 'the run is interrupted' })

    const failing = await startRun(dataSet, { config: { learningRate: 1e30 } })
    const failed = startWorker(failing.url, provisioned).ended
    await expect(failed).rejects.toMatchObject({ code: 'run-failed', message: expect.stringContaining('has diverged') })
  })
})

describe('a worker that loses its coordinator', () => {
  test('reconnects with growing backoff, and the weights are the same', async () => {
    const { url, finished, events } = await startRun(dataSet, {
      onEvent: event => event.type === 'step' && event.step === 5 && void proxy.shut(),
    })
    const proxy = await startProxy(url)
    const worker = startWorker(proxy.url, provisioned, {
      onEvent: event => {
        // The first two attempts after the loss fail. Before the third one, the way is open again.
        if (event.type === 'retrying' && retries(worker.events).length === 3) void proxy.open()
      },
    })
    const summary = await finished
    expect(summary.weightsSha256).toBe(expectedSha256)
    expect(await worker.ended).toMatchObject({ type: 'finished' })
    expect(worker.events.map(({ type }) => type)).toEqual([
      ...['connected', 'ready', 'lost', 'retrying', 'retrying', 'retrying'],
      ...['connected', 'ready'],
    ])
    // 50 ms, doubled each time, with a jitter of a quarter.
    for (const [index, { delayMs }] of retries(worker.events).entries()) {
      expect(delayMs).toBeGreaterThanOrEqual(0.75 * 50 * 2 ** index)
      expect(delayMs).toBeLessThanOrEqual(1.25 * 50 * 2 ** index)
    }
    expect(events.filter(event => event.type === 'worker-joined')).toHaveLength(2)
    expect(summary.perWorker.map(({ outcome }) => outcome === 'stayed to the end')).toEqual([false, true])
  })

  test('in the middle of a message reconnects as well', async () => {
    // Half of a mean gradient of 258,762 elements, in a frame.
    const { url, finished } = await startRun(dataSet, {
      shareMemory: false,
      onEvent: event => event.type === 'step' && event.step === 5 && proxy.cutAfter(500_000),
    })
    const proxy = await startProxy(url)
    const worker = startWorker(proxy.url, provisioned)
    expect(await finished).toMatchObject({ weightsSha256: expectedSha256 })
    expect(worker.events.map(({ type }) => type).filter(type => type !== 'retrying')).toEqual([
      ...['connected', 'ready', 'lost'],
      ...['connected', 'ready'],
    ])
  })

  test('because the network swallows everything joins again when the network recovers', async () => {
    const { url, finished, events } = await startRun(dataSet, {
      shareMemory: false,
      onEvent: event => {
        if (event.type === 'step' && event.step === 5) proxy.stall()
        if (event.type === 'worker-lost') proxy.flow()
      },
    })
    const proxy = await startProxy(url)
    const worker = startWorker(proxy.url, provisioned)
    expect(await finished).toMatchObject({ weightsSha256: expectedSha256 })
    expect(await worker.ended).toMatchObject({ type: 'finished' })
    expect(lossOf(events)).toMatch(/^silent for 1\.\d s$/)
    expect(events.filter(event => event.type === 'worker-joined')).toHaveLength(2)
  })

  test('gives up when it cannot reconnect', async () => {
    const { url } = await startRun(dataSet, {
      onEvent: event => event.type === 'step' && event.step === 2 && void proxy.shut(),
    })
    const proxy = await startProxy(url)
    const worker = startWorker(proxy.url, provisioned, { waitMs: 700 })
    await expect(worker.ended).rejects.toMatchObject({
      code: 'no-coordinator',
      hint: expect.stringMatching(/^Run \S+, which it worked for, may have ended in the meantime/),
    })
    expect(worker.events.map(({ type }) => type)).toContain('lost')
  })

  test('has the full time to reconnect, however long it has worked', async () => {
    const { url, guests } = await startBareCoordinator()
    let workedMs = 0
    const clock = { ...systemWorld.clock, nowMs: () => systemWorld.clock.nowMs() + workedMs }
    const leaveWhenRetrying = (event: WorkerEvent) => event.type === 'retrying' && worker.leave.abort()
    const worker = startWorker(url, provisioned, { onEvent: leaveWhenRetrying }, { ...idleWorld, clock })
    const guest = await guests.next()
    guest.connection.send(welcome)
    await guest.next('ready')
    workedMs = 3_600_000
    guest.connection.terminate()
    expect(await worker.ended).toEqual({ type: 'left' })
    // The full time is 30 s.
    expect(retries(worker.events)[0]?.leftMs).toBeGreaterThan(29_000)
  })

  test('leaves when it is asked to while it waits for a retry', async () => {
    const worker = startWorker('ws://127.0.0.1:1', provisioned, {
      onEvent: event => event.type === 'retrying' && worker.leave.abort(),
    })
    expect(await worker.ended).toEqual({ type: 'left' })
  })
})

describe('a worker does not work', () => {
  test('if nothing listens, and reports when it will give up', async () => {
    const worker = startWorker('ws://127.0.0.1:1', provisioned, { waitMs: 600 })
    await expect(worker.ended).rejects.toMatchObject({
      code: 'no-coordinator',
      message: expect.stringMatching(/^no coordinator at ws:\/\/127\.0\.0\.1:1 for 0\.6 s: .*ECONNREFUSED/),
      hint: expect.stringContaining('coordinator --listen'),
    })
    const left = retries(worker.events).map(({ leftMs }) => leftMs)
    expect(left.length).toBeGreaterThanOrEqual(2)
    expect(left).toEqual([...left].sort((a, b) => b - a))
    for (const { delayMs, leftMs } of retries(worker.events)) expect(delayMs).toBeLessThanOrEqual(leftMs)
  })

  test('with a wrong token, and does not retry', async () => {
    const { url, events } = await startRun(dataSet)
    const worker = startWorker(url, provisioned, { token: 'wrong' })
    await expect(worker.ended).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^the coordinator refused this worker: wrong token/),
    })
    expect(worker.events).toEqual([])
    expect(events.filter(event => event.type === 'refused')).toHaveLength(1)
  })

  test('if its computation cannot start, and the coordinator continues', async () => {
    const { url, finished } = await startRun(dataSet)
    const lost: Provisioned = {
      backend: 'tensorflow',
      libraryFolder: '/nowhere',
      bindingFile: '/nowhere/binding.node',
      version: '2.21.0',
    }
    await expect(startWorker(url, lost).ended).rejects.toMatchObject({ code: 'compute-failed' })
    startWorker(url, provisioned)
    expect(await finished).toMatchObject({ weightsSha256: expectedSha256 })
  })
})

test('a worker that is refused reconnects with growing backoff, and quickly after a lost connection', async () => {
  const { url, guests } = await startBareCoordinator()
  const worker = startWorker(url, provisioned, {}, idleWorld)
  for (const ending of ['sent away', 'sent away', 'sent away', 'lost']) {
    const { connection } = await guests.next()
    connection.send(welcome)
    if (ending === 'lost') connection.terminate()
    else connection.close({ type: 'bye', code: 'refused', reason: ending })
  }
  const last = await guests.next()
  last.connection.send(welcome)
  expect(retries(worker.events).map(({ delayMs }) => delayMs)).toEqual([50, 100, 200, 50])
  worker.leave.abort()
  expect(await worker.ended).toEqual({ type: 'left' })
})

test.each([
  { told: {}, delaysMs: [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 3650] },
  { told: { longestPauseMs: 300, waitMs: 1100 }, delaysMs: [50, 100, 200, 300, 300, 150] },
])('a worker doubles its pauses up to a limit and gives up when its time is over ($told)', async settings => {
  let passedMs = 0
  // A clock on which every wait ends at once.
  const after = (delayMs: number, action: () => void) => {
    passedMs += delayMs
    return systemWorld.clock.after(0, action)
  }
  const clock = { ...systemWorld.clock, nowMs: () => passedMs, after }
  const options = { waitMs: 20_000, ...settings.told }
  const worker = startWorker('ws://127.0.0.1:1', provisioned, options, { ...idleWorld, clock })
  await expect(worker.ended).rejects.toMatchObject({ code: 'no-coordinator' })
  expect(retries(worker.events).map(({ delayMs }) => delayMs)).toEqual(settings.delaysMs)
})

test('a worker that is asked to leave says goodbye, and another one finishes the run', async () => {
  const { url, finished, events } = await startRun(dataSet, {
    onEvent: event => event.type === 'step' && event.step === 3 && first.leave.abort(),
  })
  const first = startWorker(url, provisioned)
  expect(await first.ended).toEqual({ type: 'left' })
  startWorker(url, provisioned)
  expect(await finished).toMatchObject({ weightsSha256: expectedSha256 })
  expect(lossOf(events)).toBe('the worker leaves')
})

test('heartbeats continue while a computation blocks the computing thread', async () => {
  const { url, guests } = await startBareCoordinator()
  const worker = startWorker(url, provisioned)
  const guest = await guests.next()
  guest.connection.send(welcome)
  await guest.next('ready')
  const { weights, trainable, moments } = welcome.sizes
  const { runId } = welcome
  const tensors = { weights: new Float32Array(weights), moments: new Float32Array(trainable * moments) }
  guest.connection.send({ type: 'state', runId, step: 4, powers: [1, 1] }, tensors)
  // Adopting the state counts as progress, so wait for it.
  for (let { step } = await guest.next('heartbeat'); step < 4; ) step = (await guest.next('heartbeat')).step
  // Work for more than ten heartbeats, even at 5,000 images/s, which no processor computes with one thread.
  const count = 1000
  const pixels = new Uint8Array(count * 3072)
  guest.connection.send(
    { type: 'work', runId, step: 4, shard: 0, count, slot: null },
    { pixels, labels: new Uint8Array(count), keys: new Int32Array(count) },
  )
  const before = guest.received.all.length
  await guest.next('gradient')
  const during = guest.received.all
    .slice(before)
    .flatMap(({ message }) => (message.type === 'heartbeat' ? [message] : []))
    .filter(({ pending }) => pending === 1)
  expect(during.length).toBeGreaterThan(5)
  const quiet = during.map(({ quietMs }: MessageOf<'heartbeat'>) => quietMs)
  expect(quiet).toEqual([...quiet].sort((a, b) => a - b))
  worker.leave.abort()
  await worker.ended
})

describe('a worker whose coordinator has been restarted', () => {
  /** Welcomes a worker as this life of the coordinator, and sends it the state. */
  async function takeIn(guest: Guest, life: number): Promise<void> {
    guest.connection.send({ ...welcome, life })
    await guest.next('ready')
    const { weights, trainable, moments } = welcome.sizes
    const tensors = { weights: new Float32Array(weights), moments: new Float32Array(trainable * moments) }
    guest.connection.send({ type: 'state', runId: welcome.runId, step: 4, powers: [1, 1] }, tensors)
  }

  test('does not send what it has computed for the earlier life', async () => {
    const { url, guests } = await startBareCoordinator()
    const worker = startWorker(url, provisioned)
    const first = await guests.next()
    await takeIn(first, 1)
    for (let { step } = await first.next('heartbeat'); step < 4; ) step = (await first.next('heartbeat')).step
    const count = 400
    const [pixels, labels] = [new Uint8Array(count * 3072), new Uint8Array(count)]
    const work = { type: 'work', runId: welcome.runId, step: 4, shard: 0, slot: null } as const
    first.connection.send({ ...work, count }, { pixels, labels, keys: new Int32Array(count) })
    for (let { pending } = await first.next('heartbeat'); pending === 0; )
      pending = (await first.next('heartbeat')).pending
    first.connection.terminate()

    // The same step and shard, but another number of samples, which tells the answers apart.
    const second = await guests.next()
    await takeIn(second, 2)
    const few = { pixels: pixels.subarray(0, 3072), labels: labels.subarray(0, 1), keys: new Int32Array(1) }
    second.connection.send({ ...work, count: 1 }, few)
    expect(await second.next('gradient')).toMatchObject({ step: 4, shard: 0, count: 1 })
    worker.leave.abort()
    await worker.ended
    expect(second.received.all.filter(({ message }) => message.type === 'gradient')).toHaveLength(1)
  })

  test('refuses an earlier life and waits for a later one', async () => {
    const { url, guests } = await startBareCoordinator()
    const worker = startWorker(url, provisioned)
    const first = await guests.next()
    await takeIn(first, 2)
    first.connection.terminate()

    const older = await guests.next()
    older.connection.send({ ...welcome, life: 1 })
    const reason = 'this worker has been welcomed to life 2 of the run, and this is life 1'
    expect(await older.next('bye')).toEqual({ type: 'bye', code: 'superseded', reason })
    older.connection.close({ type: 'bye', code: 'finished', reason: 'goodbye' })

    await takeIn(await guests.next(), 3)
    expect(retries(worker.events).map(event => event.reason)).toContain(reason)
    worker.leave.abort()
    expect(await worker.ended).toEqual({ type: 'left' })
  })
})
