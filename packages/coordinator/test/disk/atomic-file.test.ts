import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { makeFolderDurably, readText, writeAtomically, writeError } from '../../src/disk/atomic-file.ts'
import { type Disk, systemDisk } from '../../src/disk/disk.ts'
import { faultyDisk, systemError } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'

describe('writing a file', () => {
  test('creates it with exactly the given content, text or bytes', async () => {
    const folder = await temporaryFolder()
    await writeAtomically(join(folder, 'text'), 'grün\n')
    await writeAtomically(join(folder, 'bytes'), Uint8Array.of(0, 255))
    expect(await readFile(join(folder, 'text'), 'utf8')).toBe('grün\n')
    expect([...(await readFile(join(folder, 'bytes')))]).toEqual([0, 255])
    expect((await readdir(folder)).sort()).toEqual(['bytes', 'text'])
  })

  test('replaces all of an older one', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeAtomically(path, 'long and old')
    await writeAtomically(path, 'new')
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  test('syncs the content before it renames the file, and then syncs the folder', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'file')
    const calls: string[] = []
    const disk = faultyDisk(({ operation, path: at }) => {
      if (['write', 'sync', 'rename'].includes(operation)) calls.push(`${operation} ${at}`)
    })
    await writeAtomically(path, 'new', disk)
    const aside = `${path}.${process.pid}.partial`
    expect(calls).toEqual([`write ${aside}`, `sync ${aside}`, `rename ${path}`, `sync ${folder}`])
  })

  test('fails on a full disk, and leaves the old file and nothing else', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'file')
    await writeFile(path, 'old')
    // The temporary file is a link to a device that is always full.
    await symlink('/dev/full', `${path}.${process.pid}.partial`)
    await expect(writeAtomically(path, 'new')).rejects.toMatchObject({
      code: 'disk-full',
      message: `the disk is full: ${path} was not written`,
      hint: expect.stringContaining('--resume'),
    })
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['file'])
  })

  test('fails if its folder does not exist', async () => {
    const path = join(await temporaryFolder(), 'missing', 'file')
    const failure = writeAtomically(path, 'new')
    await expect(failure).rejects.toMatchObject({
      code: 'file-not-written',
      received: expect.stringContaining('ENOENT'),
    })
  })

  test('fails if a folder is in the way, and cleans up', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'taken', 'inner'), { recursive: true })
    await expect(writeAtomically(join(folder, 'taken'), 'new')).rejects.toMatchObject({ code: 'file-not-written' })
    expect(await readdir(folder)).toEqual(['taken'])
  })
})

test.each([
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['EACCES', 'file-not-written'],
])('a write that fails with %s is reported as %s', (systemCode, code) => {
  const cause = Object.assign(new Error('write failed'), { code: systemCode })
  const error = writeError('/runs/a', cause)
  expect(error).toBeInstanceOf(LockstepError)
  expect(error).toMatchObject({ code, cause, message: expect.stringContaining('/runs/a') })
})

describe('reading a file that decides what is written', () => {
  test('returns its text, and null if there is no file', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'text'), 'grün\n')
    expect(await readText(join(folder, 'text'))).toBe('grün\n')
    expect(await readText(join(folder, 'missing'))).toBeNull()
  })

  test.each(['EISDIR', 'EIO', 'EACCES', 'ENOTDIR'])('reports that the read has failed (%s)', async code => {
    const disk = faultyDisk(() => {
      throw systemError(code)
    })
    await expect(readText('file', disk)).rejects.toMatchObject({
      code: 'file-not-written',
      message: 'nothing was written, because file could not be read',
      received: expect.stringContaining(code),
    })
  })
})

describe('creating a folder', () => {
  test('syncs the parents of the folder and of the missing folders above it', async () => {
    const folder = await temporaryFolder()
    const synced: string[] = []
    const disk: Disk = {
      ...systemDisk,
      open: async (path, mode) => {
        const file = await systemDisk.open(path, mode)
        return { ...file, sync: () => file.sync().then(() => void synced.push(path)) }
      },
    }
    await makeFolderDurably(join(folder, 'runs', 'first'), disk)
    expect(synced).toEqual([folder, join(folder, 'runs')])
    // Another coordinator may have died between creating the folder and syncing its parent.
    await makeFolderDurably(join(folder, 'runs', 'first'), disk)
    expect(synced).toEqual([folder, join(folder, 'runs'), join(folder, 'runs')])
  })

  test.each(['EACCES', 'EPERM'])('succeeds without a sync if the parent may not be read (%s)', async code => {
    const folder = await temporaryFolder()
    const disk = faultyDisk(({ operation, path }) => {
      if (operation === 'open' && path === folder) throw systemError(code)
    })
    await makeFolderDurably(join(folder, 'run'), disk)
    expect(await readdir(folder)).toEqual(['run'])
  })

  test('fails if the parent cannot be synced for another reason', async () => {
    const folder = await temporaryFolder()
    const disk = faultyDisk(({ operation, path }) => {
      if (operation === 'sync' && path === folder) throw systemError('EIO')
    })
    const failure = makeFolderDurably(join(folder, 'run'), disk)
    await expect(failure).rejects.toMatchObject({ code: 'file-not-written', received: expect.stringContaining('EIO') })
  })

  test('fails if a file is in the way', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeFile(path, '')
    await expect(makeFolderDurably(join(path, 'folder'))).rejects.toMatchObject({ code: 'file-not-written' })
  })
})
