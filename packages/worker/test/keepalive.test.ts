import type { MessageOf } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createKeepalive } from '../src/keepalive.ts'

const terms = { runId: 'r', silenceMs: 1000 }
const progress = { step: 3, pending: 1, quietMs: 20 }
const heartbeat: MessageOf<'heartbeat'> = {
  type: 'heartbeat',
  runId: 'r',
  step: 0,
  pending: 0,
  quietMs: 0,
  sentMs: 7000,
  echo: null,
}

/** A keepalive whose clock and connection the test controls. */
function createTested() {
  const state = { nowMs: 100, receivedBytes: 0 }
  const sent: unknown[] = []
  const keepalive = createKeepalive({ nowMs: () => state.nowMs })
  const connection = { send: (message: unknown) => void sent.push(message), receivedBytes: () => state.receivedBytes }

  /** Lets time pass in beats of 300 ms. Returns the first reason to give up the coordinator. */
  function pass(durationMs: number, meanwhile: () => void = () => undefined): string | null {
    for (let passed = 0; passed < durationMs; passed += 300) {
      state.nowMs += 300
      meanwhile()
      const reason = keepalive.sendHeartbeat(connection, terms, progress)
      if (reason !== null) return reason
    }
    return null
  }

  return { state, sent, keepalive, connection, pass }
}

describe('a beat', () => {
  test('reports the progress of the computing thread, or zeros before there is one', () => {
    const { keepalive, connection, sent } = createTested()
    keepalive.sendHeartbeat(connection, terms, null)
    keepalive.sendHeartbeat(connection, terms, progress)
    const fields = { type: 'heartbeat', runId: 'r', sentMs: 100, echo: null }
    expect(sent).toEqual([
      { ...fields, step: 0, pending: 0, quietMs: 0 },
      { ...fields, ...progress },
    ])
  })

  test('echoes when the last heartbeat of the coordinator was sent and when it was received', () => {
    const { keepalive, sent, state, pass } = createTested()
    state.nowMs = 250
    keepalive.echo(heartbeat)
    pass(300)
    expect(sent).toEqual([expect.objectContaining({ sentMs: 550, echo: { sentMs: 7000, receivedMs: 250 } })])
  })
})

describe('a coordinator', () => {
  test('is given up without another heartbeat when it has been silent for too long', () => {
    const { pass, sent } = createTested()
    expect(pass(900)).toBeNull()
    expect(pass(300)).toBe('the coordinator was silent for 1 s')
    expect(sent).toHaveLength(3)
  })

  test('is kept while messages arrive', () => {
    const { pass, keepalive } = createTested()
    expect(pass(6000, keepalive.heard)).toBeNull()
  })

  test('is kept while bytes of a message arrive', () => {
    const { pass, state } = createTested()
    expect(pass(6000, () => (state.receivedBytes += 1))).toBeNull()
    expect(pass(1200)).toBe('the coordinator was silent for 1 s')
  })

  test('is kept when the worker was suspended, and given up when it is silent afterwards', () => {
    const { state, pass } = createTested()
    state.nowMs += 60_000
    expect(pass(900)).toBeNull()
    expect(pass(600)).toBe('the coordinator was silent for 1 s')
  })

  test('is kept when the worker was late by more than half of the silence limit', () => {
    const { state, keepalive, connection, pass } = createTested()
    pass(600)
    state.nowMs += 501
    expect(keepalive.sendHeartbeat(connection, terms, progress)).toBeNull()
    expect(pass(900)).toBeNull()
  })

  test('is given up when the worker was late by less', () => {
    const { state, keepalive, connection, pass } = createTested()
    pass(600)
    state.nowMs += 500
    expect(keepalive.sendHeartbeat(connection, terms, progress)).toBe('the coordinator was silent for 1 s')
  })
})
