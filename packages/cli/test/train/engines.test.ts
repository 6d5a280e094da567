import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { cifar10, synthesizeCifar } from '@lockstep/data'
import { userCacheFolder } from '@lockstep/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSummary, runCli } from '../support/cli.ts'

// 248 of 310 samples train: 4 batches of 50 and one of 48, in 4 shards of 12 or 13.
const size = ['--limit-train', '310', '--limit-test', '60', '--epochs', '1', '--shards', '4', '--offline']
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-engines-'))
  await synthesizeCifar({ format: cifar10, folder, seed: 1 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function trained(name: string, ...args: string[]): Promise<RunSummary> {
  const place = join(folder, name)
  const ended = await runCli([
    'train',
    '--dataset',
    'cifar10',
    '--data-dir',
    folder,
    ...size,
    '--run-dir',
    place,
    ...args,
  ])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return readSummary(place)
}

test.each(['float32', 'bfloat16'])('in %s the weights do not depend on the number of workers', async precision => {
  const hashes = new Set<string>()
  for (const workers of ['1', '2', '4']) {
    const summary = await trained(`${precision}-${workers}`, '--precision', precision, '--workers', workers)
    expect(summary).toMatchObject({ engine: 'compiled', precision })
    hashes.add(summary.weightsSha256)
  }
  expect(hashes.size).toBe(1)
})

test('both engines train alike, and what was compiled is kept for the next run', async () => {
  const [compiled, eager] = [
    await trained('compiled', '--workers', '1'),
    await trained('eager', '--workers', '1', '--engine', 'eager'),
  ]
  expect(eager.engine).toBe('eager')
  expect(compiled.final!.trainLoss / eager.final!.trainLoss).toBeCloseTo(1, 3)
  expect(await readdir(join(userCacheFolder(process.env), 'compiled'))).not.toHaveLength(0)
})

test('bfloat16 in the eager engine is refused', async () => {
  const ended = await runCli(['train', '--dataset', 'synthetic', '--engine', 'eager', '--precision', 'bfloat16'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--precision bfloat16') })
})
