import { join } from 'node:path'
import { expect, test } from 'vitest'
import { blockingDisk } from '../../src/disk/blocking-disk.ts'
import { type Disk, systemDisk } from '../../src/disk/disk.ts'
import { tryOutDisk } from '../../src/testing/try-out-disk.ts'
import { temporaryFolder } from '../support/folder.ts'

/** Also tries a file where a folder should be, and a folder where a file should be. */
async function tryOut(disk: Disk): Promise<unknown> {
  const folder = await temporaryFolder()
  const seen = await tryOutDisk(disk, folder)
  const failures = await Promise.allSettled([
    disk.kindOf(join(folder, 'a/cut/below')),
    disk.open(join(folder, 'a/b'), 'write'),
  ])
  return [...seen, ...failures.map(failure => 'reason' in failure && failure.reason.code)]
}

test('the blocking disk behaves like the asynchronous one', async () => {
  const seen = await tryOut(blockingDisk)
  expect(seen).toEqual(await tryOut(systemDisk))
  expect(seen).toEqual(expect.arrayContaining(['new and longer', 'ENOTDIR', 'EISDIR']))
})
