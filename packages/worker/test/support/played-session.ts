import { getEventListeners } from 'node:events'
import { expect, onTestFinished, vi } from 'vitest'
import type { PeerServer } from '../../src/direct/peer-network.ts'
import { runSession, type SessionOptions } from '../../src/session.ts'
import { systemWorld } from '../../src/world.ts'
import { startBareCoordinator } from './bare-coordinator.ts'
import { runId, welcome } from './configuration.ts'
import { createIdleCompute, sessionOptions } from './idle-compute.ts'

export const bye = { type: 'bye', code: 'finished', reason: 'the run is completed' } as const

/** A shard's order, with its samples. */
export const work = { type: 'work', runId, step: 0, shard: 2, count: 1, slot: null } as const
export const samples = { pixels: new Uint8Array(3072).fill(9), labels: Uint8Array.of(4) }
export const workTensors = { ...samples, keys: Int32Array.of(-5) }

/** A session with a coordinator that the test plays, and the coordinator's end of it. `leave` ends it. */
export async function startSession(options: Partial<SessionOptions> = {}) {
  const { url, guests } = await startBareCoordinator()
  const idle = createIdleCompute()
  const leave = new AbortController()
  // A session removes its listeners from the signal when it ends.
  onTestFinished(() => expect(getEventListeners(leave.signal, 'abort')).toEqual([]))
  const ended = runSession({ ...sessionOptions(url, idle.compute, leave.signal), ...options })
  // Tests that are not about its failure await it later.
  ended.catch(() => undefined)
  return { ...idle, ended, leave, guest: await guests.next() }
}

/** The same with a worker that has joined. */
export async function joinSession(options: Partial<SessionOptions> = {}) {
  const session = await startSession(options)
  const { connection } = session.guest
  connection.send(welcome)
  await session.guest.next('ready')
  return session
}

/** Ends a session as a coordinator does whose run is completed. */
export async function finishSession({ guest, ended }: Awaited<ReturnType<typeof startSession>>) {
  guest.connection.close(bye)
  return ended
}

/** A server at which other workers would reach this one. */
export const newServer = () => ({ port: 4711, close: vi.fn() })

/** A world in which a worker listens for other workers with this function. */
export function worldWithServer(listen: () => Promise<PeerServer>) {
  const watched = vi.fn(listen)
  return { world: { ...systemWorld, peers: { ...systemWorld.peers, listen: watched } }, listen: watched }
}
