import { mkdir, readdir, stat, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { userCacheFolder } from '@lockstep/protocol'
import { expect, onTestFinished, test, vi } from 'vitest'
import { runCli } from '../support/cli.ts'
import { useSmallRuns } from '../support/small-runs.ts'

const { folder, line, trained } = useSmallRuns()
const run = [...line, '--epochs', '1', '--shards', '4']
const alone = [...run, '--workers', '1']

test.each(['float32', 'bfloat16'])('the weights in %s do not depend on the number of workers', async precision => {
  const hashes = new Set<string>()
  for (const workers of ['1', '2', '4']) {
    const summary = await trained(`${precision}-${workers}`, [...run, '--precision', precision, '--workers', workers])
    expect(summary).toMatchObject({ engine: 'compiled', precision })
    hashes.add(summary.weightsSha256)
  }
  expect(hashes.size).toBe(1)
})

test('both engines reach the same training loss', async () => {
  const [compiled, eager] = [await trained('compiled', alone), await trained('eager', [...alone, '--engine', 'eager'])]
  expect(eager.engine).toBe('eager')
  expect(compiled.final!.trainLoss / eager.final!.trainLoss).toBeCloseTo(1, 3)
})

test('compiled functions are reused by the next run', async () => {
  const cache = join(folder, 'cache')
  await mkdir(cache)
  // TensorFlow stays installed; only the compiled functions are missing.
  await symlink(resolve(userCacheFolder(process.env), 'tensorflow'), join(cache, 'tensorflow'))
  vi.stubEnv('LOCKSTEP_CACHE_DIR', cache)
  onTestFinished(() => void vi.unstubAllEnvs())
  await trained('first', alone)
  const kept = await writtenFiles(join(cache, 'compiled'))
  expect(kept).not.toHaveLength(0)
  await trained('second', alone)
  expect(await writtenFiles(join(cache, 'compiled'))).toEqual(kept)
})

/** The files under a folder, with inode and time, which change if a file is written again. */
async function writtenFiles(place: string): Promise<readonly string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const facts = await Promise.all(paths.map(path => stat(path)))
  return paths.map((path, index) => `${path} ${facts[index]!.ino} ${facts[index]!.mtimeMs}`).sort()
}

test('bfloat16 in the eager engine is a usage error', async () => {
  const ended = await runCli(['train', '--dataset', 'synthetic', '--engine', 'eager', '--precision', 'bfloat16'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--precision bfloat16') })
})
