import { expect, test } from 'vitest'
import { mayPass } from '../../src/supervise/messages.ts'

test.each([
  ['port-taken', true],
  ['disk-full', true],
  ['file-not-written', true],
  ['diverged', false],
  ['superseded', false],
])('the cause of %s may be temporary: %s', (code, passes) => {
  expect(mayPass({ code, message: 'it has failed', kind: 'world' })).toBe(passes)
})
