import { expect, test } from 'vitest'
import {
  createLineReader,
  formatGreeting,
  isProof,
  maxGreetingBytes,
  parseGreeting,
  prove,
} from '../../src/direct/greeting.ts'

const greeting = { group: 3, from: 1, to: 12 }

test('a greeting proves the token, the group, the sender and the receiver without revealing the token', () => {
  const text = formatGreeting(greeting, 'the token')
  expect(text).not.toContain('the token')
  const { proof, ...said } = parseGreeting(text)!
  expect(said).toEqual(greeting)
  expect(isProof(proof, greeting, 'the token')).toBe(true)
  expect(isProof(proof, greeting, 'another token')).toBe(false)
  expect(isProof(proof, { group: 3, from: 12, to: 1 }, 'the token')).toBe(false)
  expect(isProof(proof, { ...greeting, group: 4 }, 'the token')).toBe(false)
  expect(isProof('', greeting, 'the token')).toBe(false)
  // 1 and 12 are not 11 and 2.
  expect(isProof(prove({ group: 3, from: 11, to: 2 }, 'the token'), greeting, 'the token')).toBe(false)
})

test.each(['', 'GET / HTTP/1.1\r\n', 'Lockstep 1 2 3\n', 'Lockstep 1 2 x 00\n', `Lockstep 1 2 3 ${'0'.repeat(63)}\n`])(
  'the line %j is not a greeting',
  line => {
    expect(parseGreeting(line)).toBeNull()
  },
)

test('a line reader joins the first line of a link from pieces and separates what follows', () => {
  const reader = createLineReader()
  expect(reader.feed(Buffer.from('Lock'))).toBeNull()
  expect(reader.feed(Buffer.from('step\nLKP2'))).toEqual({ line: 'Lockstep\n', rest: Buffer.from('LKP2') })
})

test('a line reader fails on a line that is longer than any greeting', () => {
  const reader = createLineReader()
  expect(reader.feed(Buffer.alloc(maxGreetingBytes, 0x20))).toBeNull()
  expect(() => reader.feed(Buffer.from(' '))).toThrowError(RangeError)
})
