import { type MessageOf, systemClock } from '@lockstep/protocol'
import { createHappenings, exampleRunConfig } from '@lockstep/protocol/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDirectExchange } from '../../src/direct/direct-exchange.ts'
import { openPeerListener } from '../../src/direct/peer-listener.ts'
import { systemWorld } from '../../src/world.ts'

/** A slice has at least 16 elements, so the second of two members owns none. */
const fewElements = 16
const steps = 4

type Message = Parameters<Parameters<typeof createDirectExchange>[0]['send']>[0]

type MemberOptions = { readonly after?: typeof systemClock.after; readonly elements?: number; readonly shards?: number }

async function startMember(workerId: number, options: MemberOptions = {}) {
  const { after = systemClock.after, elements = fewElements, shards = 1 } = options
  const world = { ...systemWorld, clock: { ...systemClock, after } }
  const listener = await openPeerListener('127.0.0.1', 0, world)
  const sent = createHappenings<Message>()
  const updates = createHappenings<number>()
  const exchange = createDirectExchange({
    welcome: {
      runId: 'run-1',
      workerId,
      config: { ...exampleRunConfig, shards },
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

/** Members 1, 2, …, linked to each other. */
async function linkMembers(...each: readonly MemberOptions[]): Promise<readonly Member[]> {
  const members = await Promise.all(each.map((options, at) => startMember(at + 1, options)))
  const entries = members.map(({ port }, at) => ({ workerId: at + 1, url: `tcp://127.0.0.1:${port}` }))
  const group: MessageOf<'group'> = {
    type: 'group',
    runId: 'run-1',
    group: 1,
    members: entries,
    token: 'ab'.repeat(32),
  }
  for (const { exchange } of members) exchange.receive({ message: group, tensors: {} })
  for (const { sent } of members) expect(await sent.next()).toMatchObject({ type: 'linked' })
  return members
}

function workOf(step: number, shard: number): Omit<MessageOf<'work'>, 'type'> {
  return { runId: 'run-1', step, shard, count: 1, slot: null }
}

function order({ exchange }: Member, step: number, shard: number, total: number): void {
  const group = { id: 1, total, learningRate: 0.1 }
  exchange.receive({ message: { type: 'work', ...workOf(step, shard), group }, tensors: {} })
}

/** Answers with a gradient, and returns whether it is taken for the group. */
function answer({ exchange }: Member, step: number, shard: number, elements = fewElements): boolean {
  return exchange.answer({
    message: { type: 'gradient', ...workOf(step, shard), lossSum: 1, correct: 0, times: [] },
    tensors: { gradient: new Float32Array(elements).fill(step) },
  })
}

/** The coordinator sends the mean of a step. */
function update(exchange: Member['exchange'], step: number): void {
  exchange.receive({
    message: { type: 'update', runId: 'run-1', step, learningRate: 0.1, slot: null },
    tensors: { gradient: new Float32Array(fewElements) },
  })
}

/** Member 1 computes the only shard of a step and sends the coordinator its mean. */
async function takeStep(members: readonly Member[], step: number): Promise<void> {
  const { sent } = members[0]!
  order(members[0]!, step, 0, 1)
  answer(members[0]!, step, 0)
  for (const { updates } of members) expect(await updates.next()).toBe(step)
  expect(await sent.next()).toMatchObject({ type: 'contribution', step })
  expect(await sent.next()).toMatchObject({ type: 'slice', step, start: 0, length: fewElements })
}

/** Holds back actions that are scheduled with these delays until the test calls them. */
function holdBack(delays: readonly number[]) {
  const late: (() => void)[] = []
  const after: typeof systemClock.after = (delayMs, action) => {
    if (!delays.includes(delayMs)) return systemClock.after(delayMs, action)
    late.push(action)
    return () => undefined
  }
  return { after, late }
}

test('a member that owns no part of the vector sends the coordinator no slice, even after a delay', async () => {
  const { after, late } = holdBack([1])
  const members = await linkMembers({}, { after })
  for (let step = 0; step < steps; step++) await takeStep(members, step)
  await expect.poll(() => late).toHaveLength(steps)
  for (const action of late) action()
  expect(members[1]!.sent.all.map(({ type }) => type)).toEqual(['linked'])
})

test('each member sends the coordinator its slice, in messages of at most 65,536 elements', async () => {
  const elements = 140_000
  const members = await linkMembers({ elements }, { elements })
  order(members[1]!, 0, 0, 1)
  answer(members[1]!, 0, 0, elements)
  const slices = ({ sent }: Member) =>
    sent.all.flatMap(message => (message.type === 'slice' ? [[message.start, message.length]] : []))
  // Half of the vector each.
  await expect
    .poll(() => members.map(slices))
    .toEqual([
      [
        [0, 65_536],
        [65_536, 4_464],
      ],
      [
        [70_000, 65_536],
        [135_536, 4_464],
      ],
    ])
})

test('several shards of a step are taken for the group', async () => {
  const [member] = await linkMembers({ shards: 2 }, { shards: 2 })
  for (const shard of [0, 1]) order(member!, 0, shard, 2)
  expect([0, 1].map(shard => answer(member!, 0, shard))).toEqual([true, true])
})

test('updates are taken from the step of the state on', async () => {
  const { exchange, updates } = await startMember(1)
  exchange.receive({ message: { type: 'state', runId: 'run-1', step: 5, powers: [] }, tensors: {} })
  update(exchange, 5)
  expect(updates.all).toEqual([5])
})

test('a worker that leaves stops listening', async () => {
  const { exchange, port } = await startMember(1)
  const listen = () => openPeerListener('127.0.0.1', port, systemWorld)
  await expect(listen()).rejects.toMatchObject({ code: 'cannot-listen' })
  exchange.close()
  onTestFinished((await listen()).close)
})

describe('a member of a dissolved group', () => {
  const over = { message: { type: 'dissolve', runId: 'run-1', group: 1 }, tensors: {} } as const

  test('reports all its shards before its last step, and sends nothing of the group afterwards', async () => {
    // Messages about a shard wait for 2 ms, those about a mean for 1 ms.
    const { after, late } = holdBack([1, 2])
    const members = await linkMembers({ after }, {})
    const { exchange, sent, updates } = members[0]!
    order(members[0]!, 0, 0, 1)
    answer(members[0]!, 0, 0)
    await updates.next()
    await expect.poll(() => late).toHaveLength(2)
    // One of two samples, so there is no mean of this step.
    order(members[0]!, 1, 0, 2)
    answer(members[0]!, 1, 0)
    order(members[0]!, 2, 0, 1)
    exchange.receive(over)
    for (const action of late) action()
    expect(sent.all.map(({ type }) => type)).toEqual(['linked', 'contribution', 'contribution', 'dissolved'])
    expect(answer(members[0]!, 2, 0)).toBe(false)
  })

  test('takes no step beyond the one that it has reported', async () => {
    const [member] = await linkMembers({}, {})
    const { exchange, sent, updates } = member!
    update(exchange, 1)
    exchange.receive(over)
    expect(await sent.next()).toMatchObject({ type: 'dissolved', step: 0 })
    update(exchange, 0)
    expect(updates.all).toEqual([0])
  })
})
