import { expect } from 'vitest'
import { runCli } from './cli.ts'

/** Trains a model for a moment and leaves its run folder at the given place. */
export async function trainTinyRun(place: string, ...flags: readonly string[]): Promise<void> {
  const size = ['--dataset', 'synthetic', '--limit-train', '20', '--limit-test', '10', '--epochs', '1']
  const ended = await runCli([
    'train',
    ...size,
    '--engine',
    'eager',
    '--workers',
    '1',
    '--offline',
    '--run-dir',
    place,
    ...flags,
  ])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}
