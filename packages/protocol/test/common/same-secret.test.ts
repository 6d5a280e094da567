import { expect, test } from 'vitest'
import { isSameSecret } from '../../src/common/same-secret.ts'

test('a secret matches only an identical text', () => {
  const secret = 'the right token'
  expect(isSameSecret('the right token', secret)).toBe(true)
  for (const other of ['', 'the right toke', 'the right token ', 'The right token', 'the right tokeñ'])
    expect(isSameSecret(other, secret), other).toBe(false)
})
