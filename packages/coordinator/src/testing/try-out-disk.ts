import { join } from 'node:path'
import type { Disk, FileContent } from '../disk/disk.ts'

/**
 * Does a little of everything in an empty folder and returns what a program sees of it, which must be the same on every
 * disk.
 */
export async function tryOutDisk(disk: Disk, folder: string): Promise<readonly unknown[]> {
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
  await write('a/cut', 'append', '12345')
  const cut = await disk.open(at('a/cut'), 'append')
  await cut.truncate(2)
  await cut.close()
  const opened = await disk.open(folder, 'read')
  await opened.sync()
  await opened.close()
  await write('a/gone', 'write', 'x')
  await disk.remove(at('a/gone'))
  await disk.remove(at('a/none'))
  return [
    new TextDecoder().decode(await disk.read(at('a/b/moved'))),
    new TextDecoder().decode(await disk.read(at('a/cut'))),
    [...(await disk.list(at('a')))].sort(),
    await Promise.all(['a', 'a/cut', 'a/file'].map(name => disk.kindOf(at(name)))),
    await codeOf(disk.read(at('a/file'))),
    await codeOf(disk.open(at('none/file'), 'write')),
    await codeOf(disk.rename(at('none'), at('a/c'))),
    await codeOf(disk.list(at('none'))),
  ]
}
