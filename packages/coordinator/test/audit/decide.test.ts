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
    ['is asked of two workers', [], {}, ask(2)],
    ['is asked of another worker than the first', ['1: a'], {}, ask(1, 1)],
    ['is what two workers say', ['1: a', '2: a'], {}, accept(1)],
    ['is asked of a third worker when two disagree', ['1: a', '2: b'], {}, ask(1, 1, 2)],
    ['is what two of three say, and the third is wrong', ['1: a', '2: b', '3: b'], {}, accept(2, 1)],
    ['is wrong from a worker for which it is not finite', ['1: NaN', '2: b', '3: b'], {}, accept(2, 1)],
    ['is asked of all once more when three disagree', ['1: a', '2: b', '3: c'], {}, ask(3)],
    ['is asked of both once more when there are two', ['1: a', '2: b'], { present: [1, 2] }, ask(2)],
    ['waits for the other when one has been asked twice', ['1: a a', '2: b'], { present: [1, 2] }, ask(1, 1)],
    ['goes to a worker that has come meanwhile', ['1: a a', '2: b b'], { present: [1, 2, 3] }, ask(1, 1, 2)],
    [
      'has nobody to be blamed for when two contradict each other twice',
      ['1: a a', '2: b b'],
      { present: [1, 2] },
      { type: 'undecided', workers: [1, 2] },
    ],
    [
      'is believed of the only worker there is',
      ['1: a'],
      { present: [1] },
      { type: 'accept', workerId: 1, wrong: [], isLone: true },
    ],
    [
      'is what the only one says for whom it is finite, also when the other insists',
      ['1: NaN NaN', '2: b b'],
      { present: [1, 2] },
      { type: 'accept', workerId: 2, wrong: [1], isLone: true },
    ],
    ['is not believed of one whom somebody that has left contradicted', ['1: a'], { present: [1], left: [2] }, ask(1)],
    ['not even when it repeats it', ['1: a a'], { present: [1], left: [2] }, { type: 'undecided', workers: [1, 2] }],
    ['is not finite when it is not for two workers', ['1: NaN', '2: NaN'], {}, { type: 'unsound', workers: [1, 2] }],
    ['waits for workers when all have gone', [], { present: [] }, ask(2)],
  ] as const)('%s', (_, said, given, decision) => {
    expect(decideFor(said, given)).toEqual(decision)
  })
})

describe('a task that is believed of one', () => {
  const votesNeeded = 1
  test.each([
    ['is asked of another one when it is not finite', ['1: NaN'], {}, ask(1, 1)],
    ['is what the other one says, and the first was wrong', ['1: NaN', '2: a'], {}, accept(2, 1)],
    [
      'is not finite when it is not for the other one either',
      ['1: NaN', '2: NaN'],
      {},
      { type: 'unsound', workers: [1, 2] },
    ],
    ['is asked of the same once more where there is nobody else', ['1: NaN'], { present: [1] }, ask(1)],
    ['is not finite when it is not twice', ['1: NaN NaN'], { present: [1] }, { type: 'unsound', workers: [1] }],
    ['is asked of one that has come meanwhile', ['1: NaN NaN'], { present: [1, 2] }, ask(1, 1)],
  ] as const)('%s', (_, said, given, decision) => {
    expect(decideFor(said, { votesNeeded, ...given })).toEqual(decision)
  })
})

test('opinions are alike when every bit is, and all that are not finite', () => {
  expect(agree(voteFor('a'), voteFor('a'))).toBe(true)
  expect(agree(voteFor('a'), voteFor('b'))).toBe(false)
  expect(agree({ ...voteFor('a'), figures: [2] }, { ...voteFor('a'), figures: [1] })).toBe(false)
  expect(agree({ ...voteFor('a'), figures: [0] }, { ...voteFor('a'), figures: [-0] })).toBe(false)
  expect(agree({ ...voteFor('a'), isSound: false }, voteWithoutData(false))).toBe(true)
  expect(agree(voteFor('a'), voteWithoutData(false))).toBe(false)
})

test('whatever they say and whoever is right, the majority is believed, or all are asked, and it comes to an end', () => {
  const scenario = fc.record({
    votesNeeded: fc.constantFrom(1 as const, 2 as const),
    // What each worker says when it is asked first.
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
