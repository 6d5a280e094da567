import { describe, expect, onTestFinished, test } from 'vitest'
import { type Member, newMember } from '../../src/membership/member.ts'
import { findFault, findHang, noteHeartbeat, noticeBytes, patienceFor } from '../../src/membership/patience.ts'
import { createFakePeer } from '../support/fake-peer.ts'
import { patience } from '../support/lobby.ts'
import { tinyPlan } from '../support/tiny-plan.ts'

const facts = { id: 1, name: 'w', host: 'h', device: 'cpu', cores: 1, backend: '' }
const peer = createFakePeer()
const connection = peer.connect({ onMessage: () => undefined, onClose: () => undefined })

const member = (changes: Partial<Member>): Member => ({
  ...newMember('here', 0),
  connection,
  facts,
  active: true,
  ...changes,
})
const heartbeat = (pending: number, quietMs: number) =>
  ({ type: 'heartbeat', runId: 'r', step: 3, pending, quietMs, sentMs: 0, echo: null }) as const

describe('a member has to go', () => {
  test.each([
    ['that says no hello', { facts: null, active: false }, 5001, 'no hello within 5.0 s'],
    [
      'that says more than a hello takes, and no hello',
      { facts: null, active: false, receivedBytes: 131_073 },
      0,
      '131073 bytes and no hello',
    ],
    ['that is silent', {}, 1601, 'silent for 1.6 s'],
    ['that is silent while it gets ready', { active: false }, 1601, 'silent for 1.6 s'],
    ['that does not get ready', { active: false, lastHeardAt: 60_000 }, 60_001, 'not ready within 60.0 s'],
  ] satisfies [string, Partial<Member>, number, string][])('%s', (_, changes, nowMs, reason) => {
    expect(findFault(member(changes), patience, nowMs)).toEqual({ cause: 'silent', reason })
  })

  test('that leaves unread what it is sent', () => {
    const deaf = { cause: 'deaf', reason: 'stopped reading' }
    peer.queuedBytes = 1001
    expect(findFault(member({}), patience, 0)).toEqual(deaf)
    // By its lane and its connection together.
    peer.queuedBytes = 501
    expect(findFault(member({}), patience, 0)).toBeNull()
    expect(findFault(member({ lane: connection }), patience, 0)).toEqual(deaf)
    peer.queuedBytes = 0
  })
})

describe('a member may stay', () => {
  test.each([
    ['that still has time to say hello', { facts: null, active: false, receivedBytes: 131_072 }, 5000],
    ['that has been heard of lately', { lastHeardAt: 1000 }, 2600],
    ['that gets ready', { active: false, lastHeardAt: 60_000 }, 60_000],
    ['that takes part, however long ago it has come', { lastHeardAt: 3_600_000 }, 3_600_000],
  ] satisfies [string, Partial<Member>, number][])('%s', (_, changes, nowMs) => {
    expect(findFault(member(changes), patience, nowMs)).toBeNull()
  })
})

test('the patience of a run is five heartbeats, and what it leaves unread grows with its state', () => {
  const plan = tinyPlan({ optimizer: 'adam' })
  const { silenceMs, queuedBytes } = patienceFor(plan, () => 0)
  expect(silenceMs).toBe(1500)
  // Weights and two moments as long, 16 times, and 64 MiB.
  expect(queuedBytes).toBe(16 * 3 * plan.state.weights.byteLength + 2 ** 26)
})

test('bytes that have come do not make older what was heard since the last look', () => {
  peer.receivedBytes = 1
  onTestFinished(() => {
    peer.receivedBytes = 0
  })
  const heard = member({ lastHeardAt: 300 })
  noticeBytes(heard, 100)
  expect(heard.lastHeardAt).toBe(300)
  // None has come since.
  noticeBytes(heard, 400)
  expect(heard.lastHeardAt).toBe(300)
})

describe('the computation of a member', () => {
  /** What is found after these heartbeats, each of so many shards that are due and so long a quiet. */
  function hangAfter(...heartbeats: readonly (readonly [pending: number, quietMs: number])[]): string | null {
    const tested = member({})
    for (const [pending, quietMs] of heartbeats) noteHeartbeat(tested, heartbeat(pending, quietMs), patience.silenceMs)
    return findHang(tested, patience)
  }
  /** Every second, up to this time. */
  const quietUntil = (endMs: number) =>
    Array.from({ length: endMs / 1000 }, (_, index) => [1, 1000 * (index + 1)] as const)

  test('hangs when it has finished nothing for as long as it may take', () => {
    expect(hangAfter(...quietUntil(30_000))).toBeNull()
    expect(hangAfter(...quietUntil(31_000))).toBe('hung at step 3 for 31.0 s')
  })

  test('does not hang while it finishes something now and then', () => {
    expect(hangAfter(...quietUntil(29_000), [2, 10], ...quietUntil(29_000))).toBeNull()
  })

  test('does not hang while it has nothing to do', () => {
    expect(hangAfter(...quietUntil(29_000), [0, 1e9], [0, 2e9])).toBeNull()
  })

  test('has not hung while its process was suspended', () => {
    // Ten minutes of which nothing was heard count as one silence.
    expect(hangAfter(...quietUntil(28_000), [1, 628_000])).toBeNull()
    expect(hangAfter(...quietUntil(28_000), [1, 628_000], [1, 629_000])).toBe('hung at step 3 for 30.6 s')
  })
})
