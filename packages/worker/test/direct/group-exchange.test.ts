import { createRandom } from '@lockstep/data'
import { describe, expect, test } from 'vitest'
import { decodePieceHeader, encodePieceHeader, pieceHeaderBytes } from '../../src/direct/piece-frame.ts'
import { compressedMeanOf, createTinyGroup, type Frame, meanOf, randomShards } from '../support/tiny-group.ts'

/** Adds the shards in turn and delivers all messages, each time one that `choose` picks among the next of each link. */
function exchange(
  group: ReturnType<typeof createTinyGroup>,
  shards: ReturnType<typeof randomShards>,
  choose: (count: number) => number,
): void {
  for (const [index, { part, gradient }] of shards.entries()) {
    group.exchanges[index % group.exchanges.length]!.addShard(part, gradient.slice())
  }
  while (group.sent.length > 0) group.deliver(takeOne(group.sent, choose))
}

/** Takes one message; those of one link keep their order. */
function takeOne(sent: Frame[], choose: (count: number) => number): Frame {
  const first = sent.filter((frame, at) => sent.findIndex(other => sameLink(frame, other)) === at)
  const frame = first[choose(first.length)]!
  sent.splice(sent.indexOf(frame), 1)
  return frame
}

const sameLink = (a: Frame, b: Frame) => a.from === b.from && a.to === b.to

/** Runs every sequence of choices, by increasing the last choice that can still grow. */
function* everyOrder(run: (choose: (count: number) => number) => void): Generator<void> {
  let path: number[] = []
  for (;;) {
    const widths: number[] = []
    run(count => {
      widths.push(count)
      return path[widths.length - 1] ?? 0
    })
    yield
    const next = widths.map((_, at) => path[at] ?? 0)
    while (next.length > 0 && next.at(-1)! + 1 >= widths[next.length - 1]!) next.pop()
    if (next.length === 0) return
    next[next.length - 1]! += 1
    path = next
  }
}

describe('the mean of a batch in a group', () => {
  test('is bit-identical to that of the star at every member, in every order of arrival', () => {
    // Two members own slices of 16 and 4 elements. Each sends one part for each of its shards, and one mean.
    const shards = randomShards({ counts: [3, 2, 2], elements: 20, step: 7 })
    const expected = meanOf(shards)
    let orders = 0
    const run = (choose: (count: number) => number) => {
      const group = createTinyGroup({ members: 2, shards: 3, elements: 20 })
      exchange(group, shards, choose)
      expect(group.means.map(({ member }) => member).sort()).toEqual([0, 1])
      expect(group.everywhere.map(({ member, step }) => [member, step]).sort()).toEqual([
        [0, 7],
        [1, 7],
      ])
      for (const { mean, figures } of group.means) {
        expect(mean).toEqual(expected)
        const [a, b, c] = shards.map(({ part }) => part.lossSum) as [number, number, number]
        expect(figures).toEqual({ step: 7, total: 7, correct: 0 + 1 + 0, lossSum: a + b + c, learningRate: 0.125 })
      }
      orders += 1
    }
    for (const _ of everyOrder(run));
    // The links 0 → 1 and 1 → 0 carry at most 3 messages each, so there is more than one order.
    expect(orders).toBeGreaterThan(5)
  })

  test.each(Array.from({ length: 20 }, (_, seed) => seed))('is that of the star in random orders (seed %i)', seed => {
    const random = createRandom(seed, 1)
    const [members, width] = [2 + random.below(5), 1 + random.below(9)]
    const elements = [3, 100, 40_000][random.below(3)]!
    const filled = 1 + random.below(width)
    const shards = randomShards({
      counts: Array.from({ length: filled }, () => 1 + random.below(4)),
      elements,
      step: 0,
    })
    const group = createTinyGroup({ members, shards: width, elements })
    exchange(group, shards, count => random.below(count))
    expect(group.means).toHaveLength(members)
    for (const { mean } of group.means) expect(mean).toEqual(meanOf(shards, width))
  })

  test('is bit-identical to that of the star if gradients are rounded to bfloat16', () => {
    const { packed, mean } = compressedMeanOf(randomShards({ counts: [3, 2, 2], elements: 40_000, step: 9 }), 5)
    const group = createTinyGroup({ members: 2, shards: 3, elements: 40_000, compress: 'bfloat16' })
    for (const [index, { part, gradient }] of packed.entries()) group.exchanges[index % 2]!.addShard(part, gradient)
    while (group.sent.length > 0) group.deliver(group.sent.shift()!)
    expect(group.means.map(each => each.mean)).toEqual([mean, mean])
  })

  test('includes only the first copy of a shard that two members have computed', () => {
    const shards = randomShards({ counts: [1, 1], elements: 64, step: 0 })
    const group = createTinyGroup({ members: 2, shards: 2, elements: 64 })
    group.exchanges[1]!.addShard(shards[0]!.part, shards[0]!.gradient.slice())
    exchange(group, shards, () => 0)
    group.exchanges[0]!.addShard(shards[1]!.part, shards[1]!.gradient.slice())
    while (group.sent.length > 0) group.deliver(group.sent.shift()!)
    expect(group.means.map(({ mean }) => mean)).toEqual([meanOf(shards), meanOf(shards)])
  })

  test('includes one of two copies of a shard that arrive at the same time', () => {
    const [shard] = randomShards({ counts: [1], elements: 48, step: 0 })
    const group = createTinyGroup({ members: 3, shards: 1, elements: 48 })
    for (const member of [0, 1]) group.exchanges[member]!.addShard(shard!.part, shard!.gradient.slice())
    const copies = group.sent.filter(({ to, bytes }) => to === 2 && decodePieceHeader(bytes).kind === 'part')
    expect(copies.map(({ from, bytes }) => [from, bytes.length])).toEqual([0, 1].map(from => [from, 56 + 4 * 16]))
    for (const [start, end] of [
      [0, 100],
      [100, 120],
    ]) {
      for (const copy of copies) group.deliver({ ...copy, bytes: copy.bytes.subarray(start, end) })
    }
    for (const frame of group.sent.splice(0)) if (!copies.includes(frame)) group.deliver(frame)
    while (group.sent.length > 0) group.deliver(group.sent.shift()!)
    expect(group.means.map(({ mean }) => mean)).toEqual([0, 1, 2].map(() => shard!.gradient))
  })

  test('is computed for one step after the other, and a late copy of a shard starts nothing', () => {
    const group = createTinyGroup({ members: 2, shards: 2, elements: 64 })
    for (let step = 0; step < 10; step++) {
      const shards = randomShards({ counts: [1, 1], elements: 64, step })
      exchange(group, shards, () => 0)
      group.exchanges[0]!.addShard(shards[1]!.part, shards[1]!.gradient.slice())
      expect(group.sent).toEqual([])
      expect(group.means.splice(0).map(({ mean }) => mean)).toEqual([meanOf(shards), meanOf(shards)])
      expect(group.vectorsInUse()).toBe(0)
    }
  })
})

describe('a shard that is not finite', () => {
  const [sound, other] = randomShards({ counts: [3, 2], elements: 40_000, step: 7 })
  // Messages to users count steps from 1.
  const reason = 'the gradient of shard 1 of step 8 is not finite'

  // In the slice of the first member and in that of the second.
  test.each([5, 39_000])('leads to no mean, and only the owner of element %i reports it', at => {
    const group = createTinyGroup({ members: 2, shards: 2, elements: 40_000 })
    const poisoned = other!.gradient.slice()
    poisoned[at] = Number.NaN
    group.exchanges[1]!.addShard(other!.part, poisoned)
    group.exchanges[0]!.addShard(sound!.part, sound!.gradient.slice())
    while (group.sent.length > 0) group.deliver(group.sent.shift()!)
    expect(group.unsound).toEqual([{ member: at === 5 ? 0 : 1, reason }])
    expect([group.means, group.everywhere]).toEqual([[], []])
  })

  test.each([Number.POSITIVE_INFINITY, 2 * 2 ** 127])(
    'is reported if only its loss is not finite: %d over two samples',
    lossSum => {
      const group = createTinyGroup({ members: 2, shards: 2, elements: 64 })
      const [, short] = randomShards({ counts: [3, 2], elements: 64, step: 7 })
      group.exchanges[0]!.addShard({ ...short!.part, lossSum }, short!.gradient.slice())
      expect(group.unsound).toEqual([{ member: 0, reason }])
    },
  )
})

/** A piece without its last byte, and with a header to match. */
function shortened(bytes: Uint8Array): Uint8Array {
  const header = decodePieceHeader(bytes)
  const elements = bytes.subarray(pieceHeaderBytes, -1)
  return Buffer.concat([encodePieceHeader({ ...header, payloadBytes: elements.byteLength }), elements])
}

function asEnd(bytes: Uint8Array): Uint8Array {
  const header = decodePieceHeader(bytes)
  return Buffer.concat([encodePieceHeader({ ...header, kind: 'whole' }), bytes.subarray(pieceHeaderBytes)])
}

describe('a message that does not fit the group', () => {
  const [shard] = randomShards({ counts: [1], elements: 64, step: 0 })

  function frames(members: number, elements: number, width = 1): readonly Frame[] {
    const group = createTinyGroup({ members, shards: width, elements })
    group.exchanges[0]!.addShard({ ...shard!.part, shard: width - 1 }, new Float32Array(elements))
    return group.sent
  }

  test.each([
    ['is cut into other slices', 1, frames(2, 128)[0]!.bytes],
    ['is for another owner', 0, frames(2, 64)[0]!.bytes],
    ['is of a shard that does not exist', 1, frames(2, 64, 2)[0]!.bytes],
    ['ends within an element', 1, shortened(frames(2, 64)[0]!.bytes)],
    ['is the end of a mean with elements', 1, asEnd(frames(2, 64)[0]!.bytes)],
    ['is not a piece', 1, new Uint8Array(100)],
  ])('is refused when it %s', (_, to, bytes) => {
    const group = createTinyGroup({ members: 2, shards: 1, elements: 64 })
    expect(() => group.deliver({ from: 1 - to, to, bytes })).toThrowError(
      expect.objectContaining({ code: expect.stringMatching(/^(piece-invalid|frame-malformed)$/) }),
    )
  })

  test('is refused when its batch has another size than that of the first shard', () => {
    const group = createTinyGroup({ members: 2, shards: 2, elements: 64 })
    group.exchanges[0]!.addShard({ ...shard!.part, total: 2 }, new Float32Array(64))
    group.deliver(group.sent[0]!)
    const other = encodePieceHeader({ ...decodePieceHeader(group.sent[0]!.bytes), shard: 1, total: 3 })
    expect(() => group.deliver({ from: 0, to: 1, bytes: other })).toThrow('a shard of another batch')
  })

  test('is refused when it is longer than any piece, even if its step is over', () => {
    const group = createTinyGroup({ members: 2, shards: 1, elements: 64 })
    exchange(group, [shard!], () => 0)
    const late = { ...shard!.part, kind: 'part', piece: 0, payloadBytes: 4 * 8_193 } as const
    expect(() => group.deliver({ from: 0, to: 1, bytes: encodePieceHeader(late) })).toThrow('a piece of 32772 bytes')
  })

  test('is read in full and dropped when its step is over', () => {
    const group = createTinyGroup({ members: 2, shards: 1, elements: 64 })
    group.exchanges[0]!.addShard(shard!.part, shard!.gradient.slice())
    const [part] = group.sent
    while (group.sent.length > 0) group.deliver(group.sent.shift()!)
    expect(group.means).toHaveLength(2)
    group.deliver(part!)
    group.deliver({ ...part!, bytes: Buffer.from(part!.bytes).fill(0xff, pieceHeaderBytes) })
    expect(group.means.map(({ mean }) => mean)).toEqual([shard!.gradient, shard!.gradient])
  })

  test('cannot announce the end of many means', () => {
    const group = createTinyGroup({ members: 2, shards: 1, elements: 64 })
    const announce = (step: number) => {
      const figures = { step, piece: 0, shard: 0, count: 1, total: 1, correct: 0, lossSum: 0, learningRate: 0 }
      const bytes = encodePieceHeader({ kind: 'whole', payloadBytes: 0, ...figures })
      group.deliver({ from: 1, to: 0, bytes })
    }
    for (const step of [0, 1, 2, 3]) announce(step)
    expect(() => announce(4)).toThrowError(expect.objectContaining({ code: 'piece-invalid' }))
  })

  test('cannot make a member keep many steps', () => {
    const group = createTinyGroup({ members: 2, shards: 2, elements: 64 })
    const begin = (step: number) => {
      group.exchanges[0]!.addShard({ ...shard!.part, step, total: 2 }, new Float32Array(64))
      while (group.sent.length > 0) group.deliver(group.sent.shift()!)
    }
    for (const step of [0, 1, 2, 3]) begin(step)
    expect(() => begin(4)).toThrowError(expect.objectContaining({ code: 'piece-invalid' }))
  })
})

test('a member that stops reading receives at most the messages of two steps, and the others halt', () => {
  const [members, elements, deaf] = [3, 96, 2]
  /** Each of the others sends a part, a mean, and a message that it has the whole mean. */
  const framesInStep = 2 * 3
  for (let readFrames = 0; readFrames <= 2 * framesInStep; readFrames++) {
    const group = createTinyGroup({ members, shards: members, elements })
    const compute = (member: number, step: number) => {
      const { part, gradient } = randomShards({ counts: [1, 1, 1], elements, step })[member]!
      group.exchanges[member]!.addShard(part, gradient)
    }
    for (let member = 0; member < members; member++) compute(member, 0)
    const unread: Frame[] = []
    let read = 0
    let begun = 0
    while (group.sent.length > 0) {
      const frame = group.sent.shift()!
      if (frame.to !== deaf || read++ < readFrames) group.deliver(frame)
      else unread.push(frame)
      // A member that has the mean of a step computes the next one.
      for (; begun < group.means.length; begun++) {
        const { member, figures } = group.means[begun]!
        expect(figures.step).toBeLessThan(4)
        compute(member, figures.step + 1)
      }
    }
    expect(unread.length).toBeGreaterThan(0)
    expect(unread.length).toBeLessThanOrEqual(2 * framesInStep)
  }
})
