import { describe, expect, test, vi } from 'vitest'
import type { Compute } from '../../src/compute.ts'
import type { PeerServer } from '../../src/direct/peer-network.ts'
import { runSession } from '../../src/session.ts'
import { welcome } from '../support/configuration.ts'
import { createIdleCompute, sessionOptions } from '../support/idle-compute.ts'
import { joinSession, newServer, startSession, worldWithServer } from '../support/played-session.ts'

describe('a worker that is asked to leave', () => {
  test('says goodbye', async () => {
    const { guest, ended, leave } = await joinSession()
    leave.abort()
    expect(await guest.next('bye')).toEqual({ type: 'bye', code: 'leaving', reason: 'the worker leaves' })
    expect(await ended).toEqual({ type: 'left' })
  })

  test('leaves while it prepares, and then starts nothing for the run', async () => {
    let prepared: (compute: Compute) => void = () => undefined
    const { compute, thread } = createIdleCompute()
    const session = await startSession({ prepare: () => new Promise(resolve => (prepared = resolve)) })
    session.guest.connection.send(welcome)
    await session.guest.next('heartbeat')
    session.leave.abort()
    expect(await session.ended).toEqual({ type: 'left' })
    const untouched = thread.answer
    prepared(compute)
    await new Promise(resolve => setImmediate(resolve))
    expect(thread.answer).toBe(untouched)
    expect(session.guest.received.all.map(({ message }) => message.type)).not.toContain('ready')
  })

  test('does not join if it is welcomed only afterwards', async () => {
    const prepare = vi.fn()
    const session = await startSession({ prepare })
    await session.guest.next('hello')
    session.leave.abort()
    session.guest.connection.send(welcome)
    expect(await session.ended).toEqual({ type: 'left' })
    expect(prepare).not.toHaveBeenCalled()
  })

  test('closes a server for other workers that opens only afterwards', async () => {
    let open: (server: PeerServer) => void = () => undefined
    const { world, listen } = worldWithServer(() => new Promise(resolve => (open = resolve)))
    const session = await startSession({ world })
    session.guest.connection.send({ ...welcome, direct: true })
    await vi.waitFor(() => expect(listen).toHaveBeenCalled())
    session.leave.abort()
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
    const session = await startSession({ onReady, prepare: async () => compute })
    session.guest.connection.send(welcome)
    await vi.waitFor(() => expect(beginSession).toHaveBeenCalled())
    session.leave.abort()
    begun(false)
    expect(await session.ended).toEqual({ type: 'left' })
    expect(onReady).not.toHaveBeenCalled()
  })

  test('has left, even if its computation fails meanwhile', async () => {
    const { guest, ended, thread, leave } = await joinSession()
    leave.abort()
    thread.fail(new Error('killed'))
    expect(await ended).toEqual({ type: 'left' })
    expect(await guest.next('bye')).toMatchObject({ code: 'leaving' })
  })

  test('does not connect if it was asked before the session', async () => {
    const { compute } = createIdleCompute()
    const ended = runSession(sessionOptions('ws://127.0.0.1:1', compute, AbortSignal.abort()))
    expect(await ended).toEqual({ type: 'left' })
  })
})
