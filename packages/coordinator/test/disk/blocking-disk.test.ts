import { join } from 'node:path'
import { expect, test } from 'vitest'
import { blockingDisk } from '../../src/disk/blocking-disk.ts'
import { type Disk, type FileContent, systemDisk } from '../../src/disk/disk.ts'
import { temporaryFolder } from '../support/folder.ts'

/** What a program sees that does a little of everything. */
async function tryOut(disk: Disk): Promise<unknown> {
  const folder = await temporaryFolder()
  const at = (name: string) => join(folder, name)
  const codeOf = (failure: Promise<unknown>) =>
    failure.then(
      () => 'no error',
      error => error.code,
    )
  const write = async (name: string, mode: 'write' | 'append', content: FileContent) => {
    const file = await disk.open(at(name), mode)
    await file.write(content)
    await file.sync()
    await file.close()
  }
  await disk.makeFolder(at('a/b'))
  await disk.makeFolder(at('a/b'))
  await write('a/file', 'write', 'long and old')
  await write('a/file', 'write', [Uint8Array.of(110), Uint8Array.of(101, 119)])
  await write('a/file', 'append', ' and longer')
  await disk.rename(at('a/file'), at('a/b/moved'))
  const cut = await disk.open(at('a/b/moved'), 'append')
  await cut.truncate(5)
  await cut.close()
  const root = await disk.open(folder, 'read')
  await root.sync()
  await root.close()
  await write('a/gone', 'write', 'x')
  await disk.remove(at('a/gone'))
  await disk.remove(at('a/none'))
  return [
    new TextDecoder().decode(await disk.read(at('a/b/moved'))),
    await disk.list(at('a')),
    await Promise.all(['a', 'a/b/moved', 'a/file'].map(name => disk.kindOf(at(name)))),
    await codeOf(disk.read(at('a/file'))),
    await codeOf(disk.open(at('none/file'), 'write')),
    await codeOf(disk.rename(at('none'), at('a/c'))),
    await codeOf(disk.list(at('none'))),
    await codeOf(disk.kindOf(at('a/b/moved/below'))),
    await codeOf(write('a/b', 'write', 'x')),
  ]
}

test('a disk that is waited for does what that of all other threads does', async () => {
  expect(await tryOut(blockingDisk)).toEqual(await tryOut(systemDisk))
})
