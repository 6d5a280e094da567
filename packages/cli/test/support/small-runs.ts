import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { cifar10, synthesizeCifar } from '@lockstep/data'
import { afterAll, beforeAll, expect } from 'vitest'
import { readSummary, runCli } from './cli.ts'

export type SmallRuns = {
  /** Holds the data, and the folders of the runs by their names. */
  readonly folder: string
  /** The command line of a run, but for what a test is about. */
  readonly line: readonly string[]
  /** Runs a command line to its end, into the folder of this name. */
  readonly trained: (
    name: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ) => Promise<RunSummary>
}

/**
 * Runs on 310 images of a CIFAR-10 in its own format, which is there while the tests around this run. 248 of them train:
 * 4 batches of 50 and one of 48 an epoch.
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
