import { expect, test } from 'vitest'
import { groupOptions } from '../../src/flags/flag-groups.ts'

const usage = [
  'USAGE cli',
  '',
  'OPTIONS',
  '',
  '  --one=<N>    first',
  '      --two    second',
  '    --three    third',
  '',
]
const groups = { LAST: ['three'], FIRST: ['two', 'one'], NONE: ['four'] }

test('options are listed under the headings of their groups, in the order of the groups', () => {
  expect(groupOptions(usage.join('\n'), groups)).toBe(
    'USAGE cli\n\nLAST\n\n    --three    third\n\nFIRST\n\n      --two    second\n  --one=<N>    first',
  )
})

test('an option without a group stays under OPTIONS', () => {
  expect(groupOptions(usage.join('\n'), { FIRST: ['one', 'three'] })).toBe(
    'USAGE cli\n\nOPTIONS\n\n      --two    second\n\nFIRST\n\n  --one=<N>    first\n    --three    third',
  )
})

test('headings are styled like OPTIONS, and coloured options are recognized', () => {
  const coloured = 'USAGE\n\n\u001b[4mOPTIONS\u001b[24m\n\n  \u001b[36m--one\u001b[39m    first'
  expect(groupOptions(coloured, groups)).toBe(
    'USAGE\n\n\u001b[4mFIRST\u001b[24m\n\n  \u001b[36m--one\u001b[39m    first',
  )
})
