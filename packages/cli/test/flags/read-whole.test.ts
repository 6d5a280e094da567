import { runConfigSchema } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { launchOptionsSchema } from '../../src/flags/launch-options.ts'
import { limitsOf, readWhole } from '../../src/flags/read-whole.ts'

const limits = { least: 1, most: 1024 }

test.each([1, 7, 1024])('a flag accepts %i, which is within its limits', value => {
  expect(readWhole('--threads', `${value}`, limits)).toBe(value)
})

test.each(['0', '1025', '-1', '1.5', '1e3', '0x10', '', ' 1', 'two'])(
  'a flag rejects %j and gives both limits',
  text => {
    expect(() => readWhole('--threads', text, limits)).toThrowError(
      expect.objectContaining({
        code: 'bad-configuration',
        kind: 'usage',
        message: '--threads',
        expected: 'a whole number from 1 to 1024',
        received: text,
      }),
    )
  },
)

test('the limits of a flag come from its schema', () => {
  expect(limitsOf(runConfigSchema.shape.threads)).toEqual(limits)
  expect(limitsOf(runConfigSchema.shape.seed)).toEqual({ least: 0, most: 2 ** 32 - 1 })
  expect(limitsOf(launchOptionsSchema.shape.wait)).toEqual({ least: 0, most: 86_400 })
})
