import { LockstepError } from '@lockstep/protocol'
import type { ArgsDef } from 'citty'
import { describe, expect, test } from 'vitest'
import { checkArguments } from '../../src/flags/check-arguments.ts'

const args = {
  run: { type: 'positional', required: true, valueHint: 'RUN', description: 'folder or name of a run' },
  format: { type: 'enum', options: ['one', 'other'], required: true, description: 'how to write it' },
  out: { type: 'string', description: 'where to write' },
  force: { type: 'boolean', description: 'overwrite' },
  'batch-size': { type: 'string', description: 'samples in a batch' },
  'limit-train': { type: 'string', description: 'training samples' },
  'limit-test': { type: 'string', description: 'test samples' },
} as const satisfies ArgsDef

function refusalOf(line: string): LockstepError | null {
  try {
    checkArguments(args, line.split(' '), 'cli convert')
    return null
  } catch (error) {
    if (error instanceof LockstepError) return error
    throw error
  }
}

const help = 'See `pnpm cli convert --help`.'

describe('a command line', () => {
  test.each([
    'latest --format one',
    '--format=other latest --out -1 --force',
    'latest --format one --no-force',
    '--format one -- -odd',
  ])('with all required arguments is accepted: %s', line => {
    expect(refusalOf(line)).toBeNull()
  })

  test.each([
    ['latest', { message: '`cli convert` needs --format', expected: 'one of one, other', hint: help }],
    ['--format one', { message: '`cli convert` needs RUN', expected: 'folder or name of a run', hint: help }],
    ['latest --format none', { message: '--format', expected: 'one of one, other', received: 'none', hint: help }],
    ['latest --format=', { message: '--format', received: '' }],
    ['latest --format one --format none', { message: '--format', received: 'none' }],
    ['latest --format', { message: '--format needs a value' }],
    ['latest --format one --out=', { message: '--out needs a value' }],
    ['latest --format one --out ', { message: '--out needs a value' }],
    [' --format one', { message: '`cli convert` does not take an empty argument', hint: help }],
    ['latest --format --out x', { message: '--format needs a value' }],
    ['latest --format one again', { message: '`cli convert` does not take the argument again', hint: help }],
    ['latest --format one --no-out x', { code: 'unknown-flag', message: '`cli convert` has no flag --no-out' }],
    ['latest --format one --force=yes', { message: '--force takes no value', received: 'yes' }],
  ])('with missing or wrong arguments is a usage error: %s', (line, refusal) => {
    expect(refusalOf(line)).toMatchObject({ kind: 'usage', ...refusal })
  })

  test.each([
    ['--fromat', '--format'],
    ['--batch', '--batch-size'],
    ['--size=3', '--batch-size'],
    ['--bs', '--batch-size'],
    ['--test', '--limit-test'],
  ])('with a mistyped or shortened flag is rejected with a suggestion: %s', (given, meant) => {
    expect(refusalOf(`latest --format one ${given}`)?.hint).toBe(`Did you mean ${meant}? ${help}`)
  })

  test.each([
    ['-x', '-x'],
    ['-x=3', '-x'],
    ['--limit', '--limit'],
  ])('with an unknown flag that is similar to none or several is rejected without a suggestion: %s', (given, typed) => {
    const refusal = { message: `\`cli convert\` has no flag ${typed}`, hint: help }
    expect(refusalOf(`latest --format one ${given}`)).toMatchObject(refusal)
  })
})
