import { expect, test } from 'vitest'
import { isLoopback } from '../src/loopback.ts'

test.each(['localhost', '127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1'])('%s is a loopback address', host => {
  expect(isLoopback(host)).toBe(true)
})

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '1.127.0.0',
  '127.example.org',
  '127.0.0.1.example.org',
  'fe80::1',
  '::ffff:10.0.0.1',
])('%s is not a loopback address', host => {
  expect(isLoopback(host)).toBe(false)
})
