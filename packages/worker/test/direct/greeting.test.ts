import { expect, test } from 'vitest'
import { formatGreeting, isProof, parseGreeting, prove } from '../../src/direct/greeting.ts'

const greeting = { ring: 3, from: 1, to: 12 }

test('a greeting proves the token, its ring and who greets whom, and shows no token', () => {
  const text = formatGreeting(greeting, 'the token')
  expect(text).not.toContain('the token')
  const { proof, ...said } = parseGreeting(text)!
  expect(said).toEqual(greeting)
  expect(isProof(proof, greeting, 'the token')).toBe(true)
  expect(isProof(proof, greeting, 'another token')).toBe(false)
  expect(isProof(proof, { ring: 3, from: 12, to: 1 }, 'the token')).toBe(false)
  expect(isProof(proof, { ...greeting, ring: 4 }, 'the token')).toBe(false)
  expect(isProof(undefined, greeting, 'the token')).toBe(false)
  // 1 and 12 are not 11 and 2.
  expect(isProof(prove({ ring: 3, from: 11, to: 2 }, 'the token'), greeting, 'the token')).toBe(false)
})

test.each([undefined, '', 'Bearer abc', 'Lockstep 1 2 3', 'Lockstep 1 2 x 00', `Lockstep 1 2 3 ${'0'.repeat(63)}`])(
  'the header %j is no greeting',
  header => {
    expect(parseGreeting(header)).toBeNull()
  },
)
