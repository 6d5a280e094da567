import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { makeFolderDurably, readText, writeAtomically, writeError } from '../../src/disk/atomic-file.ts'
import { type Disk, systemDisk } from '../../src/disk/disk.ts'
import { temporaryFolder } from '../support/folder.ts'
import { systemError, unrulyDisk } from '../support/unruly-disk.ts'

describe('writing a file', () => {
  test('creates it with exactly its content, text or bytes', async () => {
    const folder = await temporaryFolder()
    await writeAtomically(join(folder, 'text'), 'grün\n')
    await writeAtomically(join(folder, 'bytes'), Uint8Array.of(0, 255))
    expect(await readFile(join(folder, 'text'), 'utf8')).toBe('grün\n')
    expect([...(await readFile(join(folder, 'bytes')))]).toEqual([0, 255])
    expect((await readdir(folder)).sort()).toEqual(['bytes', 'text'])
  })

  test('replaces the whole of an older one', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeAtomically(path, 'long and old')
    await writeAtomically(path, 'new')
    expect(await readFile(path, 'utf8')).toBe('new')
  })

  test('gives it its name when its content outlasts a loss of power, and then lets the name outlast it', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'file')
    const calls: string[] = []
    const disk = unrulyDisk(({ operation, path: at }) => {
      if (['write', 'sync', 'rename'].includes(operation)) calls.push(`${operation} ${at}`)
    })
    await writeAtomically(path, 'new', disk)
    const aside = `${path}.${process.pid}.partial`
    expect(calls).toEqual([`write ${aside}`, `sync ${aside}`, `rename ${path}`, `sync ${folder}`])
  })

  test('on a full disk leaves what was there and nothing beside it', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'file')
    await writeFile(path, 'old')
    // Where the new content would be written aside lies a link to a device on which no byte finds room.
    await symlink('/dev/full', `${path}.${process.pid}.partial`)
    await expect(writeAtomically(path, 'new')).rejects.toMatchObject({
      code: 'disk-full',
      message: `the disk is full: ${path} was not written`,
      hint: expect.stringContaining('--resume'),
    })
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(folder)).toEqual(['file'])
  })

  test('fails where there is no such folder', async () => {
    const path = join(await temporaryFolder(), 'missing', 'file')
    const failure = writeAtomically(path, 'new')
    await expect(failure).rejects.toMatchObject({
      code: 'file-not-written',
      received: expect.stringContaining('ENOENT'),
    })
  })

  test('fails where a folder is in the way, and cleans up', async () => {
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
])('a write that fails with %s is told as %s', (systemCode, code) => {
  const cause = Object.assign(new Error('write failed'), { code: systemCode })
  const error = writeError('/runs/a', cause)
  expect(error).toBeInstanceOf(LockstepError)
  expect(error).toMatchObject({ code, cause, message: expect.stringContaining('/runs/a') })
})

describe('reading what decides on a write', () => {
  test('gives the text of a file, and null where there is none', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'text'), 'grün\n')
    expect(await readText(join(folder, 'text'))).toBe('grün\n')
    expect(await readText(join(folder, 'missing'))).toBeNull()
  })

  test.each(['EISDIR', 'EIO', 'EACCES', 'ENOTDIR'])('says that it was the reading that failed: %s', async code => {
    const disk = unrulyDisk(() => {
      throw systemError(code)
    })
    await expect(readText('file', disk)).rejects.toMatchObject({
      code: 'file-not-written',
      message: 'nothing was written, because file could not be read',
      received: expect.stringContaining(code),
    })
  })
})

describe('making a folder', () => {
  test('synchronises the folders in which it and what is above it have a name', async () => {
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
    // Another coordinator may have died between making it and synchronising.
    await makeFolderDurably(join(folder, 'runs', 'first'), disk)
    expect(synced).toEqual([folder, join(folder, 'runs'), join(folder, 'runs')])
  })

  test.each(['EACCES', 'EPERM'])('does without where the folder above may not be read (%s)', async code => {
    const folder = await temporaryFolder()
    const disk = unrulyDisk(({ operation, path }) => {
      if (operation === 'open' && path === folder) throw systemError(code)
    })
    await makeFolderDurably(join(folder, 'run'), disk)
    expect(await readdir(folder)).toEqual(['run'])
  })

  test('fails where the folder above cannot be synchronised for another reason', async () => {
    const folder = await temporaryFolder()
    const disk = unrulyDisk(({ operation, path }) => {
      if (operation === 'sync' && path === folder) throw systemError('EIO')
    })
    const failure = makeFolderDurably(join(folder, 'run'), disk)
    await expect(failure).rejects.toMatchObject({ code: 'file-not-written', received: expect.stringContaining('EIO') })
  })

  test('says what is in its way', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeFile(path, '')
    await expect(makeFolderDurably(join(path, 'folder'))).rejects.toMatchObject({ code: 'file-not-written' })
  })
})
