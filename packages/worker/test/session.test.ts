import { getEventListeners } from 'node:events'
import { hostname } from 'node:os'
import { type Clock, encodeMessage, LockstepError, systemClock } from '@lockstep/protocol'
import { webSocketFrame } from '@lockstep/protocol/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Compute } from '../src/compute.ts'
import type { PeerServer } from '../src/direct/peer-network.ts'
import { runSession, type SessionOptions } from '../src/session.ts'
import { systemWorld } from '../src/world.ts'
import { startBareCoordinator } from './support/bare-coordinator.ts'
import { hello, runId, welcome } from './support/configuration.ts'
import { createIdleCompute, layoutHash, sessionOptions } from './support/idle-compute.ts'

const bye = { type: 'bye', code: 'finished', reason: 'the run is completed' } as const
const work = { type: 'work', runId, step: 0, shard: 2, count: 1, slot: null } as const
const samples = { pixels: new Uint8Array(3072).fill(9), labels: Uint8Array.of(4) }
const workTensors = { ...samples, keys: Int32Array.of(-5) }

const leave = { controller: new AbortController() }
afterEach(() => {
  // A session removes its listeners from the signal when it ends.
  expect(getEventListeners(leave.controller.signal, 'abort')).toEqual([])
  leave.controller = new AbortController()
})

/** A session with a coordinator that the test plays, and the coordinator's end of it. */
async function begin(options: Partial<SessionOptions> = {}) {
  const { url, guests } = await startBareCoordinator()
  const idle = createIdleCompute()
  const ended = runSession({ ...sessionOptions(url, idle.compute, leave.controller.signal), ...options })
  // Tests that are not about its failure await it later.
  ended.catch(() => undefined)
  return { ...idle, ended, guest: await guests.next() }
}

/** The same with a worker that has joined. */
async function takePart(options: Partial<SessionOptions> = {}) {
  const session = await begin(options)
  const { connection } = session.guest
  connection.send(welcome)
  await session.guest.next('ready')
  return session
}

async function finish({ guest, ended }: Awaited<ReturnType<typeof begin>>) {
  guest.connection.close(bye)
  return ended
}

/** A world in which a wait of `waitMs` ends at once. */
function hasten(waitMs: number): typeof systemWorld {
  const after: Clock['after'] = (delayMs, action) => systemClock.after(delayMs === waitMs ? 0 : delayMs, action)
  return { ...systemWorld, clock: { ...systemClock, after } }
}

/** A world, and its waits that have neither ended nor been cancelled, such as `after 5000`. */
function watchClocks() {
  const running = new Set<string>()
  const clock: Clock = {
    ...systemClock,
    after: (delayMs, action) => {
      const wait = `after ${delayMs}`
      running.add(wait)
      const act = () => {
        running.delete(wait)
        action()
      }
      const cancel = systemClock.after(delayMs, act)
      return () => {
        running.delete(wait)
        cancel()
      }
    },
    every: (periodMs, action) => {
      const wait = `every ${periodMs}`
      running.add(wait)
      const cancel = systemClock.every(periodMs, action)
      return () => {
        running.delete(wait)
        cancel()
      }
    },
  }
  return { world: { ...systemWorld, clock }, running: () => [...running].sort() }
}

/** A door at which other workers would reach this one. */
const newServer = () => ({ port: 4711, close: vi.fn() })

/** A world in which a worker listens for other workers with this function. */
function worldWithServer(listen: () => Promise<PeerServer>) {
  const watched = vi.fn(listen)
  return { world: { ...systemWorld, peers: { ...systemWorld.peers, listen: watched } }, listen: watched }
}

describe('the timers of a session', () => {
  test('are only its heartbeats while it lasts, and none after its end', async () => {
    const { world, running } = watchClocks()
    const session = await takePart({ world })
    expect(running()).toEqual(['every 20'])
    await finish(session)
    expect(running()).toEqual([])
  })

  test('are none after it has ended before its computing thread was ready', async () => {
    const { world, running } = watchClocks()
    const compute: Compute = { ...createIdleCompute().compute, beginSession: () => new Promise(() => undefined) }
    const session = await begin({ world, prepare: async () => compute })
    session.guest.connection.send(welcome)
    await vi.waitFor(() => expect(running()).toEqual(['after 120000', 'every 20']))
    await finish(session)
    expect(running()).toEqual([])
  })
})

describe('a session whose computing thread hangs', () => {
  const bye = { type: 'bye', code: 'hung', reason: 'hung at step 3 for 20.0 s' } as const

  test('requests another thread when the coordinator says so', async () => {
    const onHang = vi.fn()
    const session = await takePart({ onHang })
    session.guest.connection.close(bye)
    expect(await session.ended).toEqual({ type: 'bye', bye, welcomed: true })
    expect(onHang).toHaveBeenCalledTimes(1)
  })

  test('requests another thread when this one does not begin the session within two minutes', async () => {
    const onHang = vi.fn()
    const world = hasten(120_000)
    const idle = createIdleCompute()
    const compute: Compute = { ...idle.compute, beginSession: () => new Promise<boolean>(() => undefined) }
    const session = await begin({ onHang, world, prepare: async () => compute })
    session.guest.connection.send(welcome)
    expect(await session.ended).toMatchObject({
      type: 'lost',
      reason: expect.stringContaining('120 s'),
      welcomed: true,
    })
    expect(onHang).toHaveBeenCalledTimes(1)
  })
})

describe('a session', () => {
  test('begins with a hello that describes the worker', async () => {
    const session = await begin()
    expect(await session.guest.next('hello')).toEqual({ ...hello, host: hostname() })
    expect(await finish(session)).toEqual({ type: 'bye', bye, welcomed: false })
  })

  test('truncates names that are too long for the protocol', async () => {
    const session = await begin({ name: 'x'.repeat(1000), device: 'y'.repeat(1000) })
    expect(await session.guest.next('hello')).toMatchObject({ name: 'x'.repeat(256), device: 'y'.repeat(256) })
    await finish(session)
  })

  test('truncates the name of a backend as well', async () => {
    const compute: Compute = { ...createIdleCompute().compute, backend: 'z'.repeat(1000) }
    const session = await begin({ prepare: async () => compute })
    session.guest.connection.send(welcome)
    expect(await session.guest.next('ready')).toMatchObject({ backend: 'z'.repeat(256) })
    await finish(session)
  })

  test('prepares for the run of the welcome and sends ready', async () => {
    const told: unknown[] = []
    const idle = createIdleCompute()
    const session = await begin({
      prepare: async message => {
        told.push(message)
        return idle.compute
      },
      onWelcome: ({ workerId }) => told.push(workerId),
      onReady: backend => told.push(backend),
    })
    session.guest.connection.send(welcome)
    expect(await session.guest.next('ready')).toEqual({
      type: 'ready',
      runId,
      layoutHash,
      backend: 'idle',
      sharesMemory: false,
    })
    expect(await finish(session)).toEqual({ type: 'bye', bye, welcomed: true })
    expect(told).toEqual([1, welcome, 'idle'])
  })

  test('passes messages for the replica to the computing thread, and sends its answers', async () => {
    const session = await takePart()
    const { connection } = session.guest
    connection.send({ type: 'heartbeat', runId, step: 0, pending: 0, quietMs: 0, sentMs: 1, echo: null })
    connection.send(work, workTensors)
    connection.send({ type: 'evaluate', runId, step: 0, chunk: 1, count: 1, slot: null }, samples)
    const figures = { runId, step: 0, count: 1, lossSum: 2, correct: 1, times: [1, 0, 2] }
    session.thread.answer({
      message: { type: 'gradient', shard: 2, slot: null, ...figures },
      tensors: { gradient: new Float32Array(258_762).fill(0.5) },
    })
    expect(await session.guest.next('gradient')).toEqual({ type: 'gradient', shard: 2, slot: null, ...figures })
    await finish(session)
    expect(session.given.map(({ message }) => message.type)).toEqual(['work', 'evaluate'])
    expect(session.given[0]!.tensors).toEqual(workTensors)
  })

  test('sends heartbeats from the welcome on, with the progress of the thread as soon as there is one', async () => {
    let prepared: (compute: Compute) => void = () => undefined
    const idle = createIdleCompute()
    const session = await begin({ prepare: () => new Promise(resolve => (prepared = resolve)) })
    session.guest.connection.send(welcome)
    const nothing = {
      type: 'heartbeat',
      runId,
      step: 0,
      pending: 0,
      quietMs: 0,
      sentMs: expect.any(Number),
      echo: null,
    }
    expect(await session.guest.next('heartbeat')).toEqual(nothing)
    expect(await session.guest.next('heartbeat')).toEqual(nothing)
    idle.thread.pending = 2
    prepared(idle.compute)
    await session.guest.next('ready')
    expect(await session.guest.next('heartbeat')).toEqual({ ...nothing, step: 3, pending: 2, quietMs: 0.5 })
    await finish(session)
  })

  test('sends the port for other workers, and closes it at its end', async () => {
    const server = newServer()
    const { world } = worldWithServer(async () => server)
    const session = await begin({ world })
    session.guest.connection.send({ ...welcome, direct: true })
    expect(await session.guest.next('ready')).toMatchObject({ peer: { host: null, port: 4711 } })
    expect(server.close).not.toHaveBeenCalled()
    await finish(session)
    expect(server.close).toHaveBeenCalledTimes(1)
  })

  test('ignores all but the first welcome', async () => {
    let preparations = 0
    const { compute } = createIdleCompute()
    const session = await begin({
      prepare: async () => {
        preparations += 1
        return compute
      },
    })
    session.guest.connection.send(welcome)
    session.guest.connection.send({ ...welcome, runId: 'other' })
    await session.guest.next('ready')
    await finish(session)
    expect(preparations).toBe(1)
  })
})

describe('a coordinator is given up', () => {
  test('when it does not welcome the worker', async () => {
    const { ended } = await begin({ world: hasten(5000) })
    expect(await ended).toEqual({ type: 'lost', reason: 'no welcome within 5 s', welcomed: false })
  })

  test('when it is silent after the welcome', async () => {
    const session = await begin()
    session.guest.connection.send({ ...welcome, silenceMs: 100 })
    const end = await session.ended
    expect(end).toEqual({ type: 'lost', reason: 'the coordinator was silent for 0 s', welcomed: true })
  })

  test('when it is silent in the middle of a message, but not while bytes arrive', async () => {
    const silenceMs = 200
    const { guest, ended, given } = await begin()
    guest.connection.send({ ...welcome, silenceMs })
    await guest.next('ready')
    const frame = webSocketFrame(encodeMessage(work, workTensors), 'server')
    const half = Math.floor(frame.length / 2)
    const startedAt = performance.now()
    let sent = 0
    // One byte per heartbeat of the worker, for three times its silence limit.
    while (performance.now() - startedAt < 3 * silenceMs) {
      guest.transport.write(frame.subarray(sent, ++sent))
      await guest.next('heartbeat')
    }
    guest.transport.write(frame.subarray(sent, half))
    expect(await ended).toEqual({ type: 'lost', reason: 'the coordinator was silent for 0 s', welcomed: true })
    expect(given).toEqual([])
  })

  test('when it cuts the connection off', async () => {
    const { guest, ended } = await takePart()
    guest.socket.terminate()
    expect(await ended).toMatchObject({ type: 'lost', welcomed: true })
  })

  test('when it sends a frame that is not a message, and receives the reason', async () => {
    const { guest, ended } = await takePart()
    guest.socket.send('nonsense')
    expect(await ended).toEqual({ type: 'lost', reason: 'a text message', welcomed: true })
    expect(await guest.next('bye')).toMatchObject({ code: 'refused', reason: 'a text message' })
  })

  test('when nothing listens', async () => {
    const end = await runSession(
      sessionOptions('ws://127.0.0.1:1', createIdleCompute().compute, leave.controller.signal),
    )
    expect(end).toMatchObject({ type: 'lost', reason: expect.stringContaining('ECONNREFUSED'), welcomed: false })
  })
})

describe('a worker that is asked to leave', () => {
  test('says goodbye', async () => {
    const { guest, ended } = await takePart()
    leave.controller.abort()
    expect(await guest.next('bye')).toEqual({ type: 'bye', code: 'leaving', reason: 'the worker leaves' })
    expect(await ended).toEqual({ type: 'left' })
  })

  test('leaves while it prepares, and then starts nothing for the run', async () => {
    let prepared: (compute: Compute) => void = () => undefined
    const { compute, thread } = createIdleCompute()
    const session = await begin({ prepare: () => new Promise(resolve => (prepared = resolve)) })
    session.guest.connection.send(welcome)
    await session.guest.next('heartbeat')
    leave.controller.abort()
    expect(await session.ended).toEqual({ type: 'left' })
    const untouched = thread.answer
    prepared(compute)
    await new Promise(resolve => setImmediate(resolve))
    expect(thread.answer).toBe(untouched)
    expect(session.guest.received.all.map(({ message }) => message.type)).not.toContain('ready')
  })

  test('does not join if it is welcomed only afterwards', async () => {
    const prepare = vi.fn()
    const session = await begin({ prepare })
    await session.guest.next('hello')
    leave.controller.abort()
    session.guest.connection.send(welcome)
    expect(await session.ended).toEqual({ type: 'left' })
    expect(prepare).not.toHaveBeenCalled()
  })

  test('closes a server for other workers that opens only afterwards', async () => {
    let open: (server: PeerServer) => void = () => undefined
    const { world, listen } = worldWithServer(() => new Promise(resolve => (open = resolve)))
    const session = await begin({ world })
    session.guest.connection.send({ ...welcome, direct: true })
    await vi.waitFor(() => expect(listen).toHaveBeenCalled())
    leave.controller.abort()
    expect(await session.ended).toEqual({ type: 'left' })
    const server = newServer()
    open(server)
    await vi.waitFor(() => expect(server.close).toHaveBeenCalledTimes(1))
  })

  test('does not become ready when its computing thread begins the session afterwards', async () => {
    const onReady = vi.fn()
    let begun: (sharesMemory: boolean) => void = () => undefined
    const beginSession = vi.fn(() => new Promise<boolean>(resolve => (begun = resolve)))
    const compute: Compute = { ...createIdleCompute().compute, beginSession }
    const session = await begin({ onReady, prepare: async () => compute })
    session.guest.connection.send(welcome)
    await vi.waitFor(() => expect(beginSession).toHaveBeenCalled())
    leave.controller.abort()
    begun(false)
    expect(await session.ended).toEqual({ type: 'left' })
    expect(onReady).not.toHaveBeenCalled()
  })

  test('has left, even if its computation fails meanwhile', async () => {
    const { guest, ended, thread } = await takePart()
    leave.controller.abort()
    thread.fail(new Error('killed'))
    expect(await ended).toEqual({ type: 'left' })
    expect(await guest.next('bye')).toMatchObject({ code: 'leaving' })
  })

  test('does not connect if it was asked before the session', async () => {
    leave.controller.abort()
    const ended = runSession(sessionOptions('ws://127.0.0.1:1', createIdleCompute().compute, leave.controller.signal))
    expect(await ended).toEqual({ type: 'left' })
  })
})

describe('a computation that fails', () => {
  const failure = new LockstepError('compute-failed', 'the computation failed: out of memory')

  test('is reported to the coordinator, then to the caller', async () => {
    const { guest, ended, thread } = await takePart()
    thread.fail(failure)
    expect(await guest.next('bye')).toEqual({ type: 'bye', code: 'failed', reason: failure.message })
    await expect(ended).rejects.toBe(failure)
  })

  test('is reported with what was expected and what to do', async () => {
    const { guest, thread, ended } = await takePart()
    const details = { expected: 'a graph', hint: 'Use --engine eager.' }
    const error = new LockstepError('compile-unsupported', 'no graph', details)
    thread.fail(error)
    expect(await guest.next('bye')).toMatchObject({ reason: 'no graph: expected a graph. Use --engine eager' })
    await expect(ended).rejects.toBe(error)
  })

  test('is reported as uncomputable if it would fail on every worker', async () => {
    const { guest, thread, ended } = await takePart()
    const error = new LockstepError('compile-random', 'layer noise draws random numbers')
    thread.fail(error)
    expect(await guest.next('bye')).toEqual({ type: 'bye', code: 'uncomputable', reason: error.message })
    await expect(ended).rejects.toBe(error)
  })

  test('during preparation is reported as well', async () => {
    const { guest, ended } = await begin({ prepare: () => Promise.reject(failure) })
    guest.connection.send(welcome)
    expect(await guest.next('bye')).toMatchObject({ code: 'failed', reason: failure.message })
    await expect(ended).rejects.toBe(failure)
  })

  test('after the end of the session is ignored', async () => {
    const session = await takePart()
    const end = await finish(session)
    session.thread.fail(failure)
    await new Promise(resolve => setImmediate(resolve))
    expect(end).toEqual({ type: 'bye', bye, welcomed: true })
  })
})
