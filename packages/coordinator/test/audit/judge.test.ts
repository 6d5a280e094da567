import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge, type Ruling } from '../../src/audit/judge.ts'
import { areAlike, brief } from '../../src/audit/opinion.ts'
import { heardOf, opinionOf } from '../support/fake-opinion.ts'

type Given = {
  readonly voices?: 1 | 2
  readonly present?: readonly number[]
  readonly left?: readonly number[]
}

function rule(said: readonly string[], { voices = 2, present = [1, 2, 3], left = [] }: Given = {}): Ruling {
  return judge({ voices, heard: heardOf(...said), present: new Set(present), left })
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
  ] as const)('%s', (_, said, given, ruling) => {
    expect(rule(said, given)).toEqual(ruling)
  })
})

describe('a task for which one answer is enough', () => {
  const voices = 1
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
  ] as const)('%s', (_, said, given, ruling) => {
    expect(rule(said, { voices, ...given })).toEqual(ruling)
  })
})

test('opinions are alike if all their bits are, or if neither is finite', () => {
  expect(areAlike(opinionOf('a'), opinionOf('a'))).toBe(true)
  expect(areAlike(opinionOf('a'), opinionOf('b'))).toBe(false)
  expect(areAlike({ ...opinionOf('a'), figures: [2] }, { ...opinionOf('a'), figures: [1] })).toBe(false)
  expect(areAlike({ ...opinionOf('a'), figures: [0] }, { ...opinionOf('a'), figures: [-0] })).toBe(false)
  expect(areAlike({ ...opinionOf('a'), isSound: false }, brief(false))).toBe(true)
  expect(areAlike(opinionOf('a'), brief(false))).toBe(false)
})

test('for any answers, judging ends, and an audit accepts only what two workers share or none contradicts', () => {
  const scenario = fc.record({
    voices: fc.constantFrom(1 as const, 2 as const),
    // What each worker says whenever it is asked.
    words: fc.array(fc.constantFrom('right', 'right', 'wrong', 'other', 'NaN'), { minLength: 1, maxLength: 6 }),
  })
  fc.assert(
    fc.property(scenario, ({ voices, words }) => {
      const present = words.map((_, worker) => worker)
      const soundWords = words.filter(word => word !== 'NaN')
      const said = new Map<number, string[]>()
      for (let round = 0; ; round++) {
        expect(round).toBeLessThanOrEqual(2 * words.length)
        const texts = [...said].map(([worker, spoken]) => `${worker}: ${spoken.join(' ')}`)
        const ruling = rule(texts, { voices, present })
        if (ruling.type === 'ask') {
          const asked = present.filter(worker => !ruling.barred.has(worker)).slice(0, ruling.answers)
          expect(asked.length).toBeGreaterThan(0)
          for (const worker of asked) said.set(worker, [...(said.get(worker) ?? []), words[worker]!])
          expect([...said.values()].every(spoken => spoken.length <= 2)).toBe(true)
          continue
        }
        const count = (word: string) => [...said.keys()].filter(worker => words[worker] === word).length
        if (ruling.type === 'accept') {
          const word = words[ruling.workerId]!
          expect(word).not.toBe('NaN')
          expect(ruling.wrong).toEqual([...said.keys()].filter(worker => words[worker] !== word))
          expect(count(word) >= 2 || voices === 1 || (ruling.isLone && soundWords.length === 1)).toBe(true)
        } else if (ruling.type === 'unsound') expect(count('NaN') >= 2 || words.length === 1).toBe(true)
        else expect(new Set(soundWords).size).toBe(soundWords.length)
        return
      }
    }),
    { numRuns: 500 },
  )
})
