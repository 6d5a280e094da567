import { type MessageOf, systemClock } from '@lockstep/protocol'
import { createHappenings, exampleRunConfig } from '@lockstep/protocol/testing'
import { expect, onTestFinished, test } from 'vitest'
import { createDirectExchange } from '../../src/direct/direct-exchange.ts'
import { openPeerListener } from '../../src/direct/peer-listener.ts'
import { systemWorld } from '../../src/world.ts'

/** A slice has 16 elements at least: the second of two members owns none. */
const elements = 16
const steps = 4

type Message = Parameters<Parameters<typeof createDirectExchange>[0]['send']>[0]

async function startMember(workerId: number, after = systemClock.after) {
  const world = { ...systemWorld, clock: { ...systemClock, after } }
  const listener = await openPeerListener('127.0.0.1', 0, world)
  const sent = createHappenings<Message>()
  const updates = createHappenings<number>()
  const exchange = createDirectExchange({
    welcome: {
      runId: 'run-1',
      workerId,
      config: { ...exampleRunConfig, shards: 1 },
      sizes: { weights: elements, trainable: 1, moments: 0, bytesPerSample: 1, maxSamples: 1, gradientType: 'float32' },
    },
    listener,
    world,
    send: message => sent.add(message),
    give: ({ message }) => {
      if (message.type === 'update') updates.add(message.step)
    },
    reached: () => updates.all.length,
  })
  onTestFinished(exchange.close)
  exchange.receive({ message: { type: 'state', runId: 'run-1', step: 0, powers: [] }, tensors: {} })
  return { exchange, sent, updates, port: listener.port }
}

type Member = Awaited<ReturnType<typeof startMember>>

/** Member 1 computes the only shard of a step, and tells the coordinator its mean, which then goes on. */
async function takeStep(members: readonly Member[], step: number): Promise<void> {
  const { exchange, sent } = members[0]!
  const work: Omit<MessageOf<'work'>, 'type'> = { runId: 'run-1', step, shard: 0, count: 1, slot: null }
  const ring = { id: 1, total: 1, learningRate: 0.1 }
  exchange.receive({ message: { type: 'work', ...work, ring }, tensors: {} })
  exchange.answer({
    message: { type: 'gradient', ...work, lossSum: 1, correct: 0, times: [] },
    tensors: { gradient: new Float32Array(elements).fill(step) },
  })
  for (const { updates } of members) expect(await updates.next()).toBe(step)
  expect(await sent.next()).toMatchObject({ type: 'contribution', step })
  expect(await sent.next()).toMatchObject({ type: 'slice', step, start: 0, length: elements })
}

test('a member that owns nothing of the vector tells the coordinator nothing, however late it comes to that', async () => {
  const late: (() => void)[] = []
  const holdBack: typeof systemClock.after = (delayMs, action) => {
    if (delayMs !== 1) return systemClock.after(delayMs, action)
    late.push(action)
    return () => undefined
  }
  const members = [await startMember(1), await startMember(2, holdBack)]
  const entries = members.map(({ port }, at) => ({ workerId: at + 1, url: `tcp://127.0.0.1:${port}` }))
  const ring: MessageOf<'ring'> = { type: 'ring', runId: 'run-1', ring: 1, members: entries, token: 'ab'.repeat(32) }
  for (const { exchange } of members) exchange.receive({ message: ring, tensors: {} })
  for (const { sent } of members) expect(await sent.next()).toMatchObject({ type: 'linked' })
  for (let step = 0; step < steps; step++) await takeStep(members, step)
  await expect.poll(() => late).toHaveLength(steps)
  for (const action of late) action()
  expect(members[1]!.sent.all.map(({ type }) => type)).toEqual(['linked'])
})
