import { hostname } from 'node:os'
import { type Clock, systemClock } from '@lockstep/protocol'
import { describe, expect, test, vi } from 'vitest'
import type { Compute } from '../../src/compute.ts'
import { systemWorld } from '../../src/world.ts'
import { hello, runId, welcome } from '../support/configuration.ts'
import { createIdleCompute, layoutHash } from '../support/idle-compute.ts'
import {
  bye,
  finishSession,
  joinSession,
  newServer,
  samples,
  startSession,
  work,
  workTensors,
  worldWithServer,
} from '../support/played-session.ts'

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

describe('a session', () => {
  test('begins with a hello that describes the worker', async () => {
    const session = await startSession()
    expect(await session.guest.next('hello')).toEqual({ ...hello, host: hostname() })
    expect(await finishSession(session)).toEqual({ type: 'bye', bye, welcomed: false })
  })

  test('truncates names that are too long for the protocol', async () => {
    const session = await startSession({ name: 'x'.repeat(1000), device: 'y'.repeat(1000) })
    expect(await session.guest.next('hello')).toMatchObject({ name: 'x'.repeat(256), device: 'y'.repeat(256) })
    await finishSession(session)
  })

  test('truncates the name of a backend as well', async () => {
    const compute: Compute = { ...createIdleCompute().compute, backend: 'z'.repeat(1000) }
    const session = await startSession({ prepare: async () => compute })
    session.guest.connection.send(welcome)
    expect(await session.guest.next('ready')).toMatchObject({ backend: 'z'.repeat(256) })
    await finishSession(session)
  })

  test('prepares for the run of the welcome and sends ready', async () => {
    const told: unknown[] = []
    const idle = createIdleCompute()
    const session = await startSession({
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
    expect(await finishSession(session)).toEqual({ type: 'bye', bye, welcomed: true })
    expect(told).toEqual([1, welcome, 'idle'])
  })

  test('passes messages for the replica to the computing thread, and sends its answers', async () => {
    const session = await joinSession()
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
    await finishSession(session)
    expect(session.given.map(({ message }) => message.type)).toEqual(['work', 'evaluate'])
    expect(session.given[0]!.tensors).toEqual(workTensors)
  })

  test('sends heartbeats from the welcome on, with the progress of the thread as soon as there is one', async () => {
    let prepared: (compute: Compute) => void = () => undefined
    const idle = createIdleCompute()
    const session = await startSession({ prepare: () => new Promise(resolve => (prepared = resolve)) })
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
    await finishSession(session)
  })

  test('sends the port for other workers, and closes it at its end', async () => {
    const server = newServer()
    const { world } = worldWithServer(async () => server)
    const session = await startSession({ world })
    session.guest.connection.send({ ...welcome, direct: true })
    expect(await session.guest.next('ready')).toMatchObject({ peer: { host: null, port: 4711 } })
    expect(server.close).not.toHaveBeenCalled()
    await finishSession(session)
    expect(server.close).toHaveBeenCalledTimes(1)
  })

  test('ignores all but the first welcome', async () => {
    let preparations = 0
    const { compute } = createIdleCompute()
    const session = await startSession({
      prepare: async () => {
        preparations += 1
        return compute
      },
    })
    session.guest.connection.send(welcome)
    session.guest.connection.send({ ...welcome, runId: 'other' })
    await session.guest.next('ready')
    await finishSession(session)
    expect(preparations).toBe(1)
  })
})

describe('the timers of a session', () => {
  test('are only its heartbeats while it lasts, and none after its end', async () => {
    const { world, running } = watchClocks()
    const session = await joinSession({ world })
    expect(running()).toEqual(['every 20'])
    await finishSession(session)
    expect(running()).toEqual([])
  })

  test('are none after it has ended before its computing thread was ready', async () => {
    const { world, running } = watchClocks()
    const compute: Compute = { ...createIdleCompute().compute, beginSession: () => new Promise(() => undefined) }
    const session = await startSession({ world, prepare: async () => compute })
    session.guest.connection.send(welcome)
    await vi.waitFor(() => expect(running()).toEqual(['after 120000', 'every 20']))
    await finishSession(session)
    expect(running()).toEqual([])
  })
})
