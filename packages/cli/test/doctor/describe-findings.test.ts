import { expect, test } from 'vitest'
import { describeFindings } from '../../src/doctor/describe-findings.ts'

const plain = (_format: unknown, text: string) => text

test('each finding has a row with its state, and its remedy below', () => {
  const lines = describeFindings(
    [
      { subject: 'Node.js', state: 'ok', value: '22.1.0' },
      { subject: 'TensorFlow', state: 'missing', value: 'not installed yet', remedy: 'Train.' },
      { subject: 'Memory', state: 'warning', value: '0.1 GB free', remedy: 'End other programs.' },
    ],
    plain,
  )
  expect(lines).toEqual([
    '✓  Node.js     22.1.0',
    '✗  TensorFlow  not installed yet',
    '     → Train.',
    '!  Memory      0.1 GB free',
    '     → End other programs.',
    '',
    '2 things could be better: see →.',
  ])
})

test('the last line says if nothing is missing', () => {
  expect(describeFindings([{ subject: 'Node.js', state: 'ok', value: '22.1.0' }], plain).at(-1)).toBe(
    'Everything is there.',
  )
})
