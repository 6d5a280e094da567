import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { claimNewFolder } from '../../src/train/claim-new-folder.ts'
import { makeTemporaryFolder } from '../runs/example-runs.ts'

const name = '2026-03-01T09-00-00-reference-cifar10'

test('new runs that begin in the same second have a folder each', async () => {
  const runsDir = join(await makeTemporaryFolder(), 'runs')
  const start = () => claimNewFolder({ runDir: null, runsDir }, name)
  const [first, second] = [await start(), await start()]
  expect([first.folder, second.folder]).toEqual([join(runsDir, name), join(runsDir, `${name}-2`)])
  await writeFile(join(first.folder, 'config.json'), '{}')
  for (const { claim } of [first, second]) await claim.release()
  // The first has become a run, the second has not.
  expect(await readdir(runsDir)).toEqual([name])
  expect((await start()).folder).toBe(join(runsDir, `${name}-2`))
})

test('a folder that is named is taken or refused as it is', async () => {
  const runDir = join(await makeTemporaryFolder(), 'run')
  const start = () => claimNewFolder({ runDir, runsDir: 'runs' }, name)
  const { folder, claim } = await start()
  expect(folder).toBe(runDir)
  await expect(start()).rejects.toMatchObject({ code: 'run-folder-in-use' })
  await writeFile(join(runDir, 'config.json'), '{}')
  await claim.release()
  await expect(start()).rejects.toMatchObject({ code: 'run-folder-taken' })
})

test('where the folder of runs is a file, no name is tried after the first', async () => {
  const runsDir = join(await makeTemporaryFolder(), 'file')
  await writeFile(runsDir, '')
  const claimed = claimNewFolder({ runDir: null, runsDir }, name)
  await expect(claimed).rejects.toMatchObject({ code: 'run-folder-inside-file', kind: 'usage' })
})
