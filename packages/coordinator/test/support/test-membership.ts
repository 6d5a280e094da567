import { encodeMessage, type Message, type MessageOf, protocolVersion, type Tensors } from '@lockstep/protocol'
import type { CoordinatorEvent } from '../../src/events.ts'
import type { AnswerOutcome, SendableTask } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'
import { createMembership } from '../../src/membership/membership.ts'
import type { Timeouts } from '../../src/membership/timeouts.ts'
import type { SharedMemory } from '../../src/shared-memory/shared-memory.ts'
import { workKey } from '../../src/training/batch-gradient.ts'
import { createFakePeer, type FakePeer } from './fake-peer.ts'
import { tinySize, tinyTrainable } from './tiny-engine.ts'
import { tinyConfig } from './tiny-plan.ts'
import { tinySizes } from './tiny-sizes.ts'

export const token = 'the token'
export const runId = 'run-1'
export const layoutHash = 'ab'.repeat(32)

export const timeouts: Timeouts = {
  helloMs: 5000,
  readyMs: 60_000,
  silenceMs: 1600,
  excusedSilenceMs: 6000,
  hangMs: () => 30_000,
  dueTask: () => null,
  queuedBytes: 1000,
  deafMs: 60_000,
}

export const hello: MessageOf<'hello'> = {
  type: 'hello',
  protocol: protocolVersion,
  token,
  name: 'worker',
  host: 'host',
  device: 'cpu',
  cores: 2,
}
export const ready: MessageOf<'ready'> = { type: 'ready', runId, layoutHash, backend: 'tiny', sharesMemory: false }
export const heartbeat: MessageOf<'heartbeat'> = {
  type: 'heartbeat',
  runId,
  step: 0,
  pending: 0,
  quietMs: 0,
  sentMs: 0,
  echo: null,
}
export const gradient: MessageOf<'gradient'> = {
  type: 'gradient',
  runId,
  step: 0,
  shard: 1,
  count: 5,
  lossSum: 1,
  correct: 2,
  slot: null,
  times: [0],
}
export const gradientTensors: Tensors = { gradient: new Float32Array(tinySize) }

/** The echo of the coordinator's last heartbeat, from a peer that reads. */
export function echoOf(peer: FakePeer): MessageOf<'heartbeat'>['echo'] {
  const last = peer.last('heartbeat')
  return last === undefined ? null : { sentMs: last.sentMs, receivedMs: 0 }
}

/** A shard of step 0. */
export const taskOf = (shard: number): SendableTask<Answer> => ({
  key: workKey(0, shard),
  step: 0,
  index: shard,
  kind: 'gradient',
  samples: 5,
  order: { type: 'work', runId, step: 0, shard, count: 5 },
  tensors: () => ({ pixels: new Uint8Array(5 * 3072), labels: new Uint8Array(5), keys: new Int32Array(5) }),
  findFault: () => null,
})

/** The task whose answer is `gradient`. */
export const task = taskOf(1)

export const update: Omit<MessageOf<'update'>, 'slot'> = { type: 'update', runId, step: 0, learningRate: 0.1 }
export const mean = Float32Array.from({ length: tinySize }, (_, index) => index)

/** A membership with a clock and peers that the test controls, its events and its calls. */
export function createTestMembership(sharedMemory: SharedMemory | null = null) {
  const clock = { nowMs: 0 }
  const state = { step: 0 }
  const events: CoordinatorEvent[] = []
  const calls: string[] = []
  const answers: Answer[] = []
  const reported: { readonly id: number; readonly times: readonly number[]; readonly offsetMs: number | null }[] = []
  const answering: { outcome: AnswerOutcome; awaited: boolean; take: (answer: Answer) => void } = {
    awaited: false,
    outcome: { taken: true, fault: null },
    take: () => undefined,
  }
  const membership = createMembership({
    token,
    welcome: {
      type: 'welcome',
      runId,
      life: 1,
      config: tinyConfig,
      topology: '{}',
      layoutHash,
      sizes: tinySizes,
      heartbeatMs: 400,
      silenceMs: 15_000,
    },
    sharedMemory,
    timeouts,
    nowMs: () => clock.nowMs,
    onEvent: event => events.push(event),
    encodeState: () => ({
      step: state.step,
      frame: encodeMessage(
        { type: 'state', runId, step: state.step, powers: [1, 1] },
        { weights: new Float32Array(tinySize), moments: new Float32Array(2 * tinyTrainable) },
      ),
    }),
    onJoin: id => calls.push(`join ${id}`),
    onLeave: id => calls.push(`leave ${id}`),
    onHang: (id, hangingMs) => calls.push(`hang ${id} ${hangingMs}`),
    onSuperseded: reason => calls.push(`superseded: ${reason}`),
    onReach: (id, step) => calls.push(`reach ${id} ${step}`),
    onDirect: () => null,
    onTimes: (id, { times }, timed) =>
      reported.push({ id, times, offsetMs: timed.estimate(clock.nowMs)?.offsetMs ?? null }),
    awaits: () => answering.awaited,
    onAnswer: (_, answer) => {
      answers.push(answer)
      answering.take(answer)
      return answering.outcome
    },
  })

  /** Connects a peer of another machine that sends these messages, one after the other. */
  function connect(...messages: readonly Message[]): FakePeer {
    return connectFrom('10.0.0.1:5000', ...messages)
  }

  function connectFrom(address: string, ...messages: readonly Message[]): FakePeer {
    const peer = createFakePeer()
    membership.accept(address, peer.connect)
    for (const message of messages) peer.say(message)
    return peer
  }

  /** Lets time pass in ticks of 400 ms. In each, these peers send their message. */
  function pass(durationMs: number, ...alive: readonly (readonly [FakePeer, Message])[]): void {
    for (let passed = 0; passed < durationMs; passed += 400) {
      clock.nowMs += 400
      for (const [peer, message] of alive) peer.say(message)
      membership.tick()
    }
  }

  const reasons = () => events.flatMap(event => ('reason' in event ? [`${event.type}: ${event.reason}`] : []))
  return { membership, clock, state, events, reasons, calls, answers, reported, answering, connect, connectFrom, pass }
}
