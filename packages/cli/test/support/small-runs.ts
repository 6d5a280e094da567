import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { cifar10, synthesizeCifar } from '@lockstep/data'
import { afterAll, beforeAll, expect } from 'vitest'
import { readSummary, runCli } from './cli.ts'

export type SmallRuns = {
  /** Contains the data, and the folders of the runs by their names. */
  readonly folder: string
  /** The command line of a run, without the flags under test. */
  readonly line: readonly string[]
  /** Runs a command line to its end, with the run in the folder of this name. */
  readonly trained: (
    name: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ) => Promise<RunSummary>
}

/**
 * Runs on 310 synthetic images in the format of CIFAR-10, which exist during the surrounding tests. 248 of them train:
 * 4 batches of 50 and one of 48 per epoch.
 */
export function useSmallRuns(): SmallRuns {
  const folder = join(tmpdir(), `lockstep-runs-${randomUUID()}`)
  beforeAll(() => synthesizeCifar({ format: cifar10, folder, seed: 1 }))
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const data = ['--dataset', 'cifar10', '--data-dir', folder, '--limit-train', '310', '--limit-test', '60']
  return {
    folder,
    line: ['train', ...data, '--offline'],
    trained: async (name, args, environment) => {
      const place = join(folder, name)
      const ended = await runCli([...args, '--run-dir', place], environment)
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      return readSummary(place)
    },
  }
}
