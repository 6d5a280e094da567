import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decision, decide } from '../../src/audit/decide.ts'
import { agree, voteWithoutData } from '../../src/audit/vote.ts'
import { voteFor, votesOf } from '../support/fake-vote.ts'

type Given = {
  readonly votesNeeded?: 1 | 2
  readonly present?: readonly number[]
  readonly left?: readonly number[]
}

function decideFor(said: readonly string[], { votesNeeded = 2, present = [1, 2, 3], left = [] }: Given = {}): Decision {
  return decide({ votesNeeded, votes: votesOf(...said), present: new Set(present), left })
}

const ask = (answers: number, ...barred: readonly number[]) => ({ type: 'ask', answers, barred: new Set(barred) })
const accept = (workerId: number, ...wrong: readonly number[]) => ({ type: 'accept', workerId, wrong, isLone: false })

describe('an audited task', () => {
  test.each([
    ['goes to two workers', [], {}, ask(2)],
    ['goes to another worker after the first answer', ['1: a'], {}, ask(1, 1)],
    ['gets the result on which two workers agree', ['1: a', '2: a'], {}, accept(1)],
    ['goes to a third worker if two disagree', ['1: a', '2: b'], {}, ask(1, 1, 2)],
    ['gets the result of two of three workers, and the other is wrong', ['1: a', '2: b', '3: b'], {}, accept(2, 1)],
    ['refutes a result that is not finite if two workers agree', ['1: NaN', '2: b', '3: b'], {}, accept(2, 1)],
    ['goes to all workers again if three disagree', ['1: a', '2: b', '3: c'], {}, ask(3)],
    ['goes to both workers again if the only two disagree', ['1: a', '2: b'], { present: [1, 2] }, ask(2)],
    ['goes again only to the worker that has answered once', ['1: a a', '2: b'], { present: [1, 2] }, ask(1, 1)],
    ['goes to a worker that has joined meanwhile', ['1: a a', '2: b b'], { present: [1, 2, 3] }, ask(1, 1, 2)],
    [
      'stays undecided if two workers contradict each other twice',
      ['1: a a', '2: b b'],
      { present: [1, 2] },
      { type: 'undecided', workers: [1, 2] },
    ],
    [
      'gets the result of the only worker',
      ['1: a'],
      { present: [1] },
      { type: 'accept', workerId: 1, wrong: [], isLone: true },
    ],
    [
      'gets the only finite result, even if the other worker answers twice that it is not finite',
      ['1: NaN NaN', '2: b b'],
      { present: [1, 2] },
      { type: 'accept', workerId: 2, wrong: [1], isLone: true },
    ],
    ['goes to the last worker again if one that has left disagrees', ['1: a'], { present: [1], left: [2] }, ask(1)],
    [
      'stays undecided if one that has left contradicts both answers of the last worker',
      ['1: a a'],
      { present: [1], left: [2] },
      { type: 'undecided', workers: [1, 2] },
    ],
    ['is not finite if two results are not', ['1: NaN', '2: NaN'], {}, { type: 'unsound', workers: [1, 2] }],
    ['needs two answers even if no worker is there', [], { present: [] }, ask(2)],
  ] as const)('%s', (_, said, given, decision) => {
    expect(decideFor(said, given)).toEqual(decision)
  })
})

describe('a task for which one answer is enough', () => {
  const votesNeeded = 1
  test.each([
    ['goes to another worker if the answer is not finite', ['1: NaN'], {}, ask(1, 1)],
    ['gets the finite result of the other worker, and the first is wrong', ['1: NaN', '2: a'], {}, accept(2, 1)],
    [
      'is not finite if the result of the other worker is not either',
      ['1: NaN', '2: NaN'],
      {},
      { type: 'unsound', workers: [1, 2] },
    ],
    ['goes to the same worker again if there is no other', ['1: NaN'], { present: [1] }, ask(1)],
    [
      'is not finite if neither answer of the only worker is',
      ['1: NaN NaN'],
      { present: [1] },
      { type: 'unsound', workers: [1] },
    ],
    [
      'goes to a worker that joins after the only one has answered twice',
      ['1: NaN NaN'],
      { present: [1, 2] },
      ask(1, 1),
    ],
  ] as const)('%s', (_, said, given, decision) => {
    expect(decideFor(said, { votesNeeded, ...given })).toEqual(decision)
  })
})

test('votes agree if all their bits do, or if neither is finite', () => {
  expect(agree(voteFor('a'), voteFor('a'))).toBe(true)
  expect(agree(voteFor('a'), voteFor('b'))).toBe(false)
  expect(agree({ ...voteFor('a'), figures: [2] }, { ...voteFor('a'), figures: [1] })).toBe(false)
  expect(agree({ ...voteFor('a'), figures: [0] }, { ...voteFor('a'), figures: [-0] })).toBe(false)
  expect(agree({ ...voteFor('a'), isSound: false }, voteWithoutData(false))).toBe(true)
  expect(agree(voteFor('a'), voteWithoutData(false))).toBe(false)
})

test('for any answers, judging ends, and an audit accepts only what two workers share or none contradicts', () => {
  const scenario = fc.record({
    votesNeeded: fc.constantFrom(1 as const, 2 as const),
    // What each worker says whenever it is asked.
    words: fc.array(fc.constantFrom('right', 'right', 'wrong', 'other', 'NaN'), { minLength: 1, maxLength: 6 }),
  })
  fc.assert(
    fc.property(scenario, ({ votesNeeded, words }) => {
      const present = words.map((_, worker) => worker)
      const soundWords = words.filter(word => word !== 'NaN')
      const said = new Map<number, string[]>()
      for (let round = 0; ; round++) {
        expect(round).toBeLessThanOrEqual(2 * words.length)
        const texts = [...said].map(([worker, spoken]) => `${worker}: ${spoken.join(' ')}`)
        const decision = decideFor(texts, { votesNeeded, present })
        if (decision.type === 'ask') {
          const asked = present.filter(worker => !decision.barred.has(worker)).slice(0, decision.answers)
          expect(asked.length).toBeGreaterThan(0)
          for (const worker of asked) said.set(worker, [...(said.get(worker) ?? []), words[worker]!])
          expect([...said.values()].every(spoken => spoken.length <= 2)).toBe(true)
          continue
        }
        const count = (word: string) => [...said.keys()].filter(worker => words[worker] === word).length
        if (decision.type === 'accept') {
          const word = words[decision.workerId]!
          expect(word).not.toBe('NaN')
          expect(decision.wrong).toEqual([...said.keys()].filter(worker => words[worker] !== word))
          expect(count(word) >= 2 || votesNeeded === 1 || (decision.isLone && soundWords.length === 1)).toBe(true)
        } else if (decision.type === 'unsound') expect(count('NaN') >= 2 || words.length === 1).toBe(true)
        else expect(new Set(soundWords).size).toBe(soundWords.length)
        return
      }
    }),
    { numRuns: 500 },
  )
})
