import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { runCli } from './cli.ts'

const size = ['--dataset', 'synthetic', '--limit-train', '20', '--limit-test', '10', '--epochs', '1']
const small = [...size, '--engine', 'eager', '--workers', '1', '--offline']

/** A folder for the tests of a file, with a short training run in its folder `run`. */
export function useTinyRun(...flags: readonly string[]): { readonly folder: string; readonly run: string } {
  const folder = join(tmpdir(), `lockstep-tiny-${randomUUID()}`)
  const run = join(folder, 'run')
  beforeAll(async () => {
    const ended = await runCli(['train', ...small, '--run-dir', run, ...flags])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return { folder, run }
}
