import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { describeError, describeInLine, hasSystemCode, LockstepError, reasonOf } from '../../src/common/error.ts'

describe('a LockstepError', () => {
  test('is of kind `world` by default', () => {
    expect(new LockstepError('port-taken', 'taken').kind).toBe('world')
    expect(new LockstepError('bad-flag', 'wrong', { kind: 'usage' }).kind).toBe('usage')
  })

  test('keeps the error that caused it', () => {
    const cause = new Error('below')
    expect(new LockstepError('disk-full', 'full', { cause }).cause).toBe(cause)
    expect('cause' in new LockstepError('disk-full', 'full')).toBe(false)
  })

  test('without details is described in one line', () => {
    expect(describeError(new LockstepError('port-taken', 'port 7999 is taken'))).toBe('port 7999 is taken')
  })

  test('is described with what was expected, what was received and what to do', () => {
    const details = { expected: '1 to 9', received: '0', hint: 'Give more.' }
    const text = describeError(new LockstepError('bad-count', 'a wrong count', details))
    expect(text).toBe('a wrong count: expected 1 to 9, received 0\n  Give more.')
    expect(describeInLine(new LockstepError('bad-count', 'a wrong count', details))).toBe(
      'a wrong count: expected 1 to 9, received 0',
    )
  })
})

test('the reason of a failure is the message of the error or the thrown value itself', () => {
  expect(reasonOf(new LockstepError('bad-count', 'a wrong count', { received: '0' }))).toBe('a wrong count')
  expect(['no error', null].map(reasonOf)).toEqual(['no error', 'null'])
  expect(describeInLine(new TypeError('no number'))).toBe('no number')
})

describe('a system code', () => {
  test('is recognised in an error from Node', async () => {
    const error = await readFile('/nowhere/at/all').catch((caught: unknown) => caught)
    expect(hasSystemCode(error, 'EACCES', 'ENOENT')).toBe(true)
    expect(hasSystemCode(error, 'EACCES')).toBe(false)
  })

  test('is not found in anything but a system error', () => {
    const others = [undefined, null, 'ENOENT', { code: 'ENOENT' }, new Error('ENOENT')]
    expect(others.map(other => hasSystemCode(other, 'ENOENT'))).toEqual(others.map(() => false))
  })
})
