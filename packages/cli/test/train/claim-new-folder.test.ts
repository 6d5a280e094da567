import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { claimNewFolder } from '../../src/train/claim-new-folder.ts'
import { makeTemporaryFolder } from '../runs/example-runs.ts'

const name = '2026-03-01T09-00-00-reference-cifar10'

test('new runs that begin in the same second get different folders', async () => {
  const runsDir = join(await makeTemporaryFolder(), 'runs')
  const start = () => claimNewFolder({ runDir: null, runsDir }, name)
  const [first, second] = [await start(), await start()]
  expect([first.folder, second.folder]).toEqual([join(runsDir, name), join(runsDir, `${name}-2`)])
  await writeFile(join(first.folder, 'config.json'), '{}')
  for (const { claim } of [first, second]) await claim.release()
  // Only the first has become a run.
  expect(await readdir(runsDir)).toEqual([name])
  expect((await start()).folder).toBe(join(runsDir, `${name}-2`))
})

test('a given folder is claimed, or rejected if it is in use or holds a run', async () => {
  const runDir = join(await makeTemporaryFolder(), 'run')
  const start = () => claimNewFolder({ runDir, runsDir: 'runs' }, name)
  const { folder, claim } = await start()
  expect(folder).toBe(runDir)
  await expect(start()).rejects.toMatchObject({ code: 'run-folder-in-use' })
  await writeFile(join(runDir, 'config.json'), '{}')
  await claim.release()
  await expect(start()).rejects.toMatchObject({ code: 'run-folder-taken' })
})

test('a file in place of the folder of runs is a usage error', async () => {
  const runsDir = join(await makeTemporaryFolder(), 'file')
  await writeFile(runsDir, '')
  const claimed = claimNewFolder({ runDir: null, runsDir }, name)
  await expect(claimed).rejects.toMatchObject({ code: 'run-folder-inside-file', kind: 'usage' })
})
