import { type Clock, encodeMessage, LockstepError, systemClock } from '@lockstep/protocol'
import { webSocketFrame } from '@lockstep/protocol/testing'
import { describe, expect, test, vi } from 'vitest'
import type { Compute } from '../../src/compute.ts'
import { runSession } from '../../src/session.ts'
import { systemWorld } from '../../src/world.ts'
import { welcome } from '../support/configuration.ts'
import { createIdleCompute, sessionOptions } from '../support/idle-compute.ts'
import { bye, finishSession, joinSession, startSession, work, workTensors } from '../support/played-session.ts'

/** A world in which a wait of `waitMs` ends at once. */
function hasten(waitMs: number): typeof systemWorld {
  const after: Clock['after'] = (delayMs, action) => systemClock.after(delayMs === waitMs ? 0 : delayMs, action)
  return { ...systemWorld, clock: { ...systemClock, after } }
}

describe('a coordinator is given up', () => {
  test('when it does not welcome the worker', async () => {
    const { ended } = await startSession({ world: hasten(5000) })
    expect(await ended).toEqual({ type: 'lost', reason: 'no welcome within 5 s', welcomed: false })
  })

  test('when it is silent after the welcome', async () => {
    const session = await startSession()
    session.guest.connection.send({ ...welcome, silenceMs: 100 })
    const end = await session.ended
    expect(end).toEqual({ type: 'lost', reason: 'the coordinator was silent for 0 s', welcomed: true })
  })

  test('when it is silent in the middle of a message, but not while bytes arrive', async () => {
    const silenceMs = 200
    const { guest, ended, given } = await startSession()
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
    const { guest, ended } = await joinSession()
    guest.socket.terminate()
    expect(await ended).toMatchObject({ type: 'lost', welcomed: true })
  })

  test('when it sends a frame that is not a message, and receives the reason', async () => {
    const { guest, ended } = await joinSession()
    guest.socket.send('nonsense')
    expect(await ended).toEqual({ type: 'lost', reason: 'a text message', welcomed: true })
    expect(await guest.next('bye')).toMatchObject({ code: 'refused', reason: 'a text message' })
  })

  test('when nothing listens', async () => {
    const end = await runSession(
      sessionOptions('ws://127.0.0.1:1', createIdleCompute().compute, new AbortController().signal),
    )
    expect(end).toMatchObject({ type: 'lost', reason: expect.stringContaining('ECONNREFUSED'), welcomed: false })
  })
})

describe('a session whose computing thread hangs', () => {
  const bye = { type: 'bye', code: 'hung', reason: 'hung at step 3 for 20.0 s' } as const

  test('requests another thread when the coordinator says so', async () => {
    const onHang = vi.fn()
    const session = await joinSession({ onHang })
    session.guest.connection.close(bye)
    expect(await session.ended).toEqual({ type: 'bye', bye, welcomed: true })
    expect(onHang).toHaveBeenCalledTimes(1)
  })

  test('requests another thread when this one does not begin the session within two minutes', async () => {
    const onHang = vi.fn()
    const world = hasten(120_000)
    const idle = createIdleCompute()
    const compute: Compute = { ...idle.compute, beginSession: () => new Promise<boolean>(() => undefined) }
    const session = await startSession({ onHang, world, prepare: async () => compute })
    session.guest.connection.send(welcome)
    expect(await session.ended).toMatchObject({
      type: 'lost',
      reason: expect.stringContaining('120 s'),
      welcomed: true,
    })
    expect(onHang).toHaveBeenCalledTimes(1)
  })
})

describe('a computation that fails', () => {
  const failure = new LockstepError('compute-failed', 'the computation failed: out of memory')

  test('is reported to the coordinator, then to the caller', async () => {
    const { guest, ended, thread } = await joinSession()
    thread.fail(failure)
    expect(await guest.next('bye')).toEqual({ type: 'bye', code: 'failed', reason: failure.message })
    await expect(ended).rejects.toBe(failure)
  })

  test('is reported with what was expected and what to do', async () => {
    const { guest, thread, ended } = await joinSession()
    const details = { expected: 'a graph', hint: 'Use --engine eager.' }
    const error = new LockstepError('compile-unsupported', 'no graph', details)
    thread.fail(error)
    expect(await guest.next('bye')).toMatchObject({ reason: 'no graph: expected a graph. Use --engine eager' })
    await expect(ended).rejects.toBe(error)
  })

  test('is reported as uncomputable if it would fail on every worker', async () => {
    const { guest, thread, ended } = await joinSession()
    const error = new LockstepError('compile-random', 'layer noise draws random numbers')
    thread.fail(error)
    expect(await guest.next('bye')).toEqual({ type: 'bye', code: 'uncomputable', reason: error.message })
    await expect(ended).rejects.toBe(error)
  })

  test('during preparation is reported as well', async () => {
    const { guest, ended } = await startSession({ prepare: () => Promise.reject(failure) })
    guest.connection.send(welcome)
    expect(await guest.next('bye')).toMatchObject({ code: 'failed', reason: failure.message })
    await expect(ended).rejects.toBe(failure)
  })

  test('after the end of the session is ignored', async () => {
    const session = await joinSession()
    const end = await finishSession(session)
    session.thread.fail(failure)
    await new Promise(resolve => setImmediate(resolve))
    expect(end).toEqual({ type: 'bye', bye, welcomed: true })
  })
})
