import { describe, expect, onTestFinished, test } from 'vitest'
import { type Member, newMember } from '../../src/membership/member.ts'
import { findFault, noticeBytes, timeoutsFor } from '../../src/membership/timeouts.ts'
import { createFakePeer } from '../support/fake-peer.ts'
import { timeouts } from '../support/test-membership.ts'
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

describe('a member is dropped', () => {
  test.each([
    ['if it says no hello', { facts: null, active: false }, 5001, 'no hello within 5.0 s'],
    [
      'if it sends more bytes than a hello needs, and no hello',
      { facts: null, active: false, receivedBytes: 131_073 },
      0,
      '131073 bytes and no hello',
    ],
    ['if it is silent', {}, 1601, 'silent for 1.6 s'],
    ['if it is silent while it gets ready', { active: false }, 1601, 'silent for 1.6 s'],
    ['if it does not get ready in time', { active: false, lastHeardAt: 60_000 }, 60_001, 'not ready within 60.0 s'],
  ] satisfies [string, Partial<Member>, number, string][])('%s', (_, changes, nowMs, reason) => {
    expect(findFault(member(changes), timeouts, nowMs)).toEqual({ cause: 'silent', reason })
  })

  test('if its lane has closed, once it has had time to say why', () => {
    const hungUp = member({ hungUpAt: 1000, lastHeardAt: 1000 })
    expect(findFault(hungUp, timeouts, 1200)).toBeNull()
    expect(findFault(hungUp, timeouts, 1201)).toEqual({ cause: 'lost', reason: 'its computing thread hung up' })
  })

  test('if too many bytes are queued for it', () => {
    const deaf = (bytes: string) => ({
      cause: 'deaf',
      reason: `stopped reading: ${bytes} queued for it, and nothing read for 2.5 s`,
    })
    const deafMs = 2500
    peer.queuedBytes = 1001
    expect(findFault(member({ deafMs }), timeouts, 0)).toEqual(deaf('1.0 kB'))
    // On its lane and its connection together.
    peer.queuedBytes = 501
    expect(findFault(member({ deafMs }), timeouts, 0)).toBeNull()
    expect(findFault(member({ deafMs, lane: connection }), timeouts, 0)).toEqual(deaf('1.0 kB'))
    peer.queuedBytes = 0
  })

  test('if nothing reaches it, however little is queued for it', () => {
    const reason = 'stopped reading: 0 B queued for it, and nothing read for 60.3 s'
    expect(findFault(member({ deafMs: 60_000 }), timeouts, 0)).toBeNull()
    expect(findFault(member({ deafMs: 60_300 }), timeouts, 0)).toEqual({ cause: 'deaf', reason })
  })
})

describe('a member may stay', () => {
  test.each([
    ['while it still has time to say hello', { facts: null, active: false, receivedBytes: 131_072 }, 5000],
    ['if it has sent something lately', { lastHeardAt: 1000 }, 2600],
    ['while it gets ready', { active: false, lastHeardAt: 60_000 }, 60_000],
    ['if it is active, however long ago it connected', { lastHeardAt: 3_600_000 }, 3_600_000],
  ] satisfies [string, Partial<Member>, number][])('%s', (_, changes, nowMs) => {
    expect(findFault(member(changes), timeouts, nowMs)).toBeNull()
  })
})

test('a run permits a silence of five heartbeats, and a backlog that grows with its state', () => {
  const plan = tinyPlan({ optimizer: 'adam' })
  const { silenceMs, queuedBytes, deafMs } = timeoutsFor(plan, timeouts)
  expect(silenceMs).toBe(1500)
  // 16 times the weights and two moments of the same length, plus 64 MiB.
  expect(queuedBytes).toBe(16 * 3 * plan.state.weights.byteLength + 2 ** 26)
  // A minute, plus the time that the state takes at 0.25 MB/s.
  expect(deafMs).toBe(60_000 + (3 * plan.state.weights.byteLength) / 250)
})

test('newly arrived bytes do not set back the time of a message since the last tick', () => {
  peer.receivedBytes = 1
  onTestFinished(() => {
    peer.receivedBytes = 0
  })
  const heard = member({ lastHeardAt: 300 })
  noticeBytes(heard, 100)
  expect(heard.lastHeardAt).toBe(300)
  // No bytes have arrived since.
  noticeBytes(heard, 400)
  expect(heard.lastHeardAt).toBe(300)
})
