import type { Message } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createRings } from '../../src/direct/rings.ts'

const token = 'ab'.repeat(32)

function startRings() {
  const sent: { to: number; message: Message }[] = []
  const happened: string[] = []
  const at = { step: 0 }
  const rings = createRings({
    runId: 'r',
    send: (to, message) => sent.push({ to, message }),
    newToken: () => token,
    step: () => at.step,
    onBehind: workerId => happened.push(`${workerId} behind`),
    onLinked: workers => happened.push(`${workers} linked`),
    onOver: (cause, reason) => happened.push(`${cause}: ${reason}`),
  })
  const take = () => sent.splice(0).map(({ to, message }) => `${message.type} → ${to}`)
  const link = (ring: number, ...workers: number[]) => {
    for (const workerId of workers) rings.receive(workerId, { type: 'linked', runId: 'r', ring })
  }
  const dissolved = (workerId: number, ring: number, step: number) =>
    rings.receive(workerId, { type: 'dissolved', runId: 'r', ring, step })
  return { rings, sent, take, link, dissolved, happened, at }
}

function linkedRing() {
  const run = startRings()
  for (const workerId of [1, 2, 3]) run.rings.join(workerId, `tcp://10.0.0.${workerId}:1`)
  run.rings.introduce()
  run.take()
  run.link(1, 1, 2, 3)
  return { ...run, ring: run.rings.current()! }
}

describe('a ring', () => {
  test('is made of all workers, who are introduced once, and is in use when all are linked', () => {
    const { rings, sent, take, link, happened } = startRings()
    rings.join(1, 'tcp://10.0.0.1:1')
    rings.introduce()
    expect(take()).toEqual([])
    rings.join(2, 'tcp://10.0.0.2:1')
    rings.introduce()
    rings.introduce()
    const members = [1, 2].map(workerId => ({ workerId, url: `tcp://10.0.0.${workerId}:1` }))
    expect(sent[0]).toEqual({ to: 1, message: { type: 'ring', runId: 'r', ring: 1, members, token } })
    expect(take()).toEqual(['ring → 1', 'ring → 2'])
    link(1, 2)
    expect(rings.current()).toBeNull()
    link(1, 2, 1)
    expect(rings.current()).toMatchObject({ id: 1, members: [1, 2] })
    link(1, 1)
    expect(happened).toEqual(['2 linked'])
  })

  test('is not made of more workers than a message may name', () => {
    const { rings, take } = startRings()
    for (let workerId = 1; workerId <= 1025; workerId++) rings.join(workerId, 'tcp://10.0.0.1:1')
    rings.introduce()
    expect(take()).toEqual([])
    rings.leave(7)
    rings.introduce()
    expect(take()).toHaveLength(1024)
  })

  test('is not made where one of the workers cannot be reached', () => {
    const { rings, take } = startRings()
    rings.join(1, 'tcp://10.0.0.1:1')
    rings.join(2, null)
    rings.introduce()
    expect(take()).toEqual([])
  })

  test('is over as soon as a worker comes, and the next one has it in', () => {
    const { rings, take, link } = linkedRing()
    rings.join(4, 'tcp://10.0.0.4:1')
    expect(rings.current()).toBeNull()
    expect(take()).toEqual(['dissolve → 1', 'dissolve → 2', 'dissolve → 3'])
    rings.introduce()
    expect(take()).toEqual(['ring → 1', 'ring → 2', 'ring → 3', 'ring → 4'])
    link(1, 1, 2, 3)
    link(2, 4)
    expect(rings.current()).toBeNull()
    link(2, 1, 2, 3)
    expect(rings.current()?.members).toEqual([1, 2, 3, 4])
  })

  test('that is over is settled when all who are left have said how far they came', async () => {
    const { rings, take, dissolved, happened, at, ring } = linkedRing()
    at.step = 5
    let heard = 0
    ring.onOver(() => {
      heard += 1
    })
    ring.onOver(() => expect.unreachable('cancelled'))()
    rings.leave(2)
    expect(heard).toBe(1)
    await new Promise<void>(resolve => ring.onOver(resolve))
    expect(take()).toEqual(['dissolve → 1', 'dissolve → 3'])
    dissolved(1, 1, 5)
    dissolved(3, 1, 4)
    expect([...(await ring.settled)]).toEqual([
      [1, 5],
      [3, 4],
    ])
    expect(happened).toEqual(['3 linked', 'changed: worker 2 has left', '3 behind'])
  })

  test('that is over does not wait for a worker that goes before it has answered', async () => {
    const { rings, dissolved, ring } = linkedRing()
    rings.leave(2)
    dissolved(1, 1, 0)
    rings.leave(3)
    expect([...(await ring.settled)]).toEqual([[1, 0]])
  })

  test('that is over is settled without a worker that goes after it has answered', async () => {
    const { rings, dissolved, ring } = linkedRing()
    rings.leave(2)
    dissolved(1, 1, 0)
    rings.leave(1)
    dissolved(3, 1, 0)
    expect([...(await ring.settled)]).toEqual([[3, 0]])
  })

  test('hears nothing of what is said of one before it', () => {
    const { rings, link } = linkedRing()
    rings.leave(3)
    rings.introduce()
    rings.receive(1, { type: 'unlinked', runId: 'r', ring: 1, reason: 'worker 3 closed its link' })
    link(2, 1, 2)
    expect(rings.current()?.id).toBe(2)
  })

  test('that does not work is not made again until the workers are others', () => {
    const { rings, take } = linkedRing()
    rings.receive(2, { type: 'unlinked', runId: 'r', ring: 1, reason: 'worker 3 closed its link' })
    expect(take()).toEqual(['dissolve → 1', 'dissolve → 2', 'dissolve → 3'])
    rings.introduce()
    expect(take()).toEqual([])
    // What others still say of the old ring changes nothing.
    rings.receive(1, { type: 'unlinked', runId: 'r', ring: 1, reason: 'worker 2 closed its link' })
    rings.leave(3)
    rings.introduce()
    expect(take()).toEqual(['ring → 1', 'ring → 2'])
  })

  test('that cannot be linked is told of, one that is not linked yet when a worker comes is not', () => {
    const { rings, happened } = startRings()
    for (const workerId of [1, 2]) rings.join(workerId, `tcp://10.0.0.${workerId}:1`)
    rings.introduce()
    rings.join(3, 'tcp://10.0.0.3:1')
    rings.introduce()
    expect(happened).toEqual([])
    for (const workerId of [1, 3]) rings.receive(workerId, { type: 'unlinked', runId: 'r', ring: 2, reason: 'no way' })
    expect(happened).toEqual(['unlinked: no way'])
  })
})
