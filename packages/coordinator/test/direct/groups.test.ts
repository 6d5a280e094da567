import type { Message } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createGroups } from '../../src/direct/groups.ts'

const token = 'ab'.repeat(32)

function startGroups() {
  const sent: { to: number; message: Message }[] = []
  const happened: string[] = []
  const at = { step: 0 }
  const groups = createGroups({
    runId: 'r',
    send: (to, message) => sent.push({ to, message }),
    newToken: () => token,
    step: () => at.step,
    onBehind: workerId => happened.push(`${workerId} behind`),
    onLinked: workers => happened.push(`${workers} linked`),
    onOver: (cause, reason) => happened.push(`${cause}: ${reason}`),
  })
  const take = () => sent.splice(0).map(({ to, message }) => `${message.type} → ${to}`)
  const link = (group: number, ...workers: number[]) => {
    for (const workerId of workers) groups.receive(workerId, { type: 'linked', runId: 'r', group })
  }
  const dissolved = (workerId: number, group: number, step: number) =>
    groups.receive(workerId, { type: 'dissolved', runId: 'r', group, step })
  return { groups, sent, take, link, dissolved, happened, at }
}

function linkedGroup() {
  const run = startGroups()
  for (const workerId of [1, 2, 3]) run.groups.join(workerId, `tcp://10.0.0.${workerId}:1`)
  run.groups.introduce()
  run.take()
  run.link(1, 1, 2, 3)
  return { ...run, group: run.groups.current()! }
}

describe('a group', () => {
  test('consists of all workers, which are introduced once, and is in use once all are linked', () => {
    const { groups, sent, take, link, happened } = startGroups()
    groups.join(1, 'tcp://10.0.0.1:1')
    groups.introduce()
    expect(take()).toEqual([])
    groups.join(2, 'tcp://10.0.0.2:1')
    groups.introduce()
    groups.introduce()
    const members = [1, 2].map(workerId => ({ workerId, url: `tcp://10.0.0.${workerId}:1` }))
    expect(sent[0]).toEqual({ to: 1, message: { type: 'group', runId: 'r', group: 1, members, token } })
    expect(take()).toEqual(['group → 1', 'group → 2'])
    link(1, 2)
    expect(groups.current()).toBeNull()
    link(1, 2, 1)
    expect(groups.current()).toMatchObject({ id: 1, members: [1, 2] })
    link(1, 1)
    expect(happened).toEqual(['2 linked'])
  })

  test('is not formed of more workers than a message may name', () => {
    const { groups, take } = startGroups()
    for (let workerId = 1; workerId <= 1025; workerId++) groups.join(workerId, 'tcp://10.0.0.1:1')
    groups.introduce()
    expect(take()).toEqual([])
    groups.leave(7)
    groups.introduce()
    expect(take()).toHaveLength(1024)
  })

  test('is not formed if one of the workers cannot be reached', () => {
    const { groups, take } = startGroups()
    groups.join(1, 'tcp://10.0.0.1:1')
    groups.join(2, null)
    groups.introduce()
    expect(take()).toEqual([])
  })

  test('ends as soon as a worker joins, and the next group includes that worker', () => {
    const { groups, take, link } = linkedGroup()
    groups.join(4, 'tcp://10.0.0.4:1')
    expect(groups.current()).toBeNull()
    expect(take()).toEqual(['dissolve → 1', 'dissolve → 2', 'dissolve → 3'])
    groups.introduce()
    expect(take()).toEqual(['group → 1', 'group → 2', 'group → 3', 'group → 4'])
    link(1, 1, 2, 3)
    link(2, 4)
    expect(groups.current()).toBeNull()
    link(2, 1, 2, 3)
    expect(groups.current()?.members).toEqual([1, 2, 3, 4])
  })

  test('that has ended is settled when all remaining members have reported their step', async () => {
    const { groups, take, dissolved, happened, at, group } = linkedGroup()
    at.step = 5
    let heard = 0
    group.onOver(() => {
      heard += 1
    })
    group.onOver(() => expect.unreachable('cancelled'))()
    groups.leave(2)
    expect(heard).toBe(1)
    await new Promise<void>(resolve => group.onOver(resolve))
    expect(take()).toEqual(['dissolve → 1', 'dissolve → 3'])
    dissolved(1, 1, 5)
    dissolved(3, 1, 4)
    expect([...(await group.settled)]).toEqual([
      [1, 5],
      [3, 4],
    ])
    expect(happened).toEqual(['3 linked', 'changed: worker 2 has left', '3 behind'])
  })

  test('that has ended does not wait for a worker that leaves before it has answered', async () => {
    const { groups, dissolved, group } = linkedGroup()
    groups.leave(2)
    dissolved(1, 1, 0)
    groups.leave(3)
    expect([...(await group.settled)]).toEqual([[1, 0]])
  })

  test('that has ended is settled without a worker that leaves after it has answered', async () => {
    const { groups, dissolved, group } = linkedGroup()
    groups.leave(2)
    dissolved(1, 1, 0)
    groups.leave(1)
    dissolved(3, 1, 0)
    expect([...(await group.settled)]).toEqual([[3, 0]])
  })

  test('ignores messages about an earlier group', () => {
    const { groups, link } = linkedGroup()
    groups.leave(3)
    groups.introduce()
    groups.receive(1, { type: 'unlinked', runId: 'r', group: 1, reason: 'worker 3 closed its link' })
    link(2, 1, 2)
    expect(groups.current()?.id).toBe(2)
  })

  test('that has failed is not formed again until the workers change', () => {
    const { groups, take } = linkedGroup()
    groups.receive(2, { type: 'unlinked', runId: 'r', group: 1, reason: 'worker 3 closed its link' })
    expect(take()).toEqual(['dissolve → 1', 'dissolve → 2', 'dissolve → 3'])
    groups.introduce()
    expect(take()).toEqual([])
    // Later messages about the old group change nothing.
    groups.receive(1, { type: 'unlinked', runId: 'r', group: 1, reason: 'worker 2 closed its link' })
    groups.leave(3)
    groups.introduce()
    expect(take()).toEqual(['group → 1', 'group → 2'])
  })

  test('that cannot be linked is reported, but not one that is not linked yet when a worker joins', () => {
    const { groups, happened } = startGroups()
    for (const workerId of [1, 2]) groups.join(workerId, `tcp://10.0.0.${workerId}:1`)
    groups.introduce()
    groups.join(3, 'tcp://10.0.0.3:1')
    groups.introduce()
    expect(happened).toEqual([])
    for (const workerId of [1, 3])
      groups.receive(workerId, { type: 'unlinked', runId: 'r', group: 2, reason: 'no way' })
    expect(happened).toEqual(['unlinked: no way'])
  })
})
