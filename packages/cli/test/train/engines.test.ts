import { mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { RunSummary } from '@lockstep/coordinator'
import { cifar10, synthesizeCifar } from '@lockstep/data'
import { userCacheFolder } from '@lockstep/protocol'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
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

test('both engines train alike', async () => {
  const [compiled, eager] = [
    await trained('compiled', '--workers', '1'),
    await trained('eager', '--workers', '1', '--engine', 'eager'),
  ]
  expect(eager.engine).toBe('eager')
  expect(compiled.final!.trainLoss / eager.final!.trainLoss).toBeCloseTo(1, 3)
})

test('what was compiled is kept for the next run', async () => {
  const cache = join(folder, 'cache')
  await mkdir(cache)
  // What was installed stays where it is: only the compiled functions are missing.
  await symlink(resolve(userCacheFolder(process.env), 'tensorflow'), join(cache, 'tensorflow'))
  vi.stubEnv('LOCKSTEP_CACHE_DIR', cache)
  onTestFinished(() => void vi.unstubAllEnvs())
  await trained('first', '--workers', '1')
  const kept = await writtenFiles(join(cache, 'compiled'))
  expect(kept).not.toHaveLength(0)
  await trained('second', '--workers', '1')
  expect(await writtenFiles(join(cache, 'compiled'))).toEqual(kept)
})

/** The files under a folder, with what tells whether one has been written again. */
async function writtenFiles(place: string): Promise<readonly string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const facts = await Promise.all(paths.map(path => stat(path)))
  return paths.map((path, index) => `${path} ${facts[index]!.ino} ${facts[index]!.mtimeMs}`).sort()
}

test('bfloat16 in the eager engine is refused', async () => {
  const ended = await runCli(['train', '--dataset', 'synthetic', '--engine', 'eager', '--precision', 'bfloat16'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--precision bfloat16') })
})
