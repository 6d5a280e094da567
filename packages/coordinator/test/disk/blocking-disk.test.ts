import { join } from 'node:path'
import { expect, test } from 'vitest'
import { blockingDisk } from '../../src/disk/blocking-disk.ts'
import { type Disk, systemDisk } from '../../src/disk/disk.ts'
import { tryOutDisk } from '../../src/testing/try-out-disk.ts'
import { temporaryFolder } from '../support/folder.ts'

/** Also what a disk says of a file where a folder should be, and the other way round. */
async function tryOut(disk: Disk): Promise<unknown> {
  const folder = await temporaryFolder()
  const seen = await tryOutDisk(disk, folder)
  const failures = await Promise.allSettled([
    disk.kindOf(join(folder, 'a/cut/below')),
    disk.open(join(folder, 'a/b'), 'write'),
  ])
  return [...seen, ...failures.map(failure => 'reason' in failure && failure.reason.code)]
}

test('a disk that is waited for does what that of all other threads does', async () => {
  const seen = await tryOut(blockingDisk)
  expect(seen).toEqual(await tryOut(systemDisk))
  expect(seen).toEqual(expect.arrayContaining(['new and longer', 'ENOTDIR', 'EISDIR']))
})
