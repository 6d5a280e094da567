import { mkdir, readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { createFolderClaim } from '../../src/run-folder/folder-claim.ts'
import { systemError } from '../support/faulty-disk.ts'
import { temporaryFolder } from '../support/folder.ts'

type Write = (file: string, text: string, options: object) => Promise<void>

/** What happens instead when the file of a claim is to be written; null for nothing else. */
const meanwhile = vi.hoisted(() => ({ write: null as ((write: Write, ...args: Parameters<Write>) => unknown) | null }))
vi.mock('node:fs/promises', async original => {
  const fs = await original<typeof import('node:fs/promises')>()
  const writeFile: Write = async (...args) => {
    if (meanwhile.write === null) return fs.writeFile(...args)
    await meanwhile.write(fs.writeFile as Write, ...args)
  }
  return { ...fs, writeFile }
})

let path: string

beforeEach(async () => {
  path = join(await temporaryFolder(), 'run')
  await mkdir(path)
})

test('a claim is withdrawn if another one has been written since the check for others', async () => {
  const holder = { pid: process.pid, host: hostname(), since: '2026-03-01T09:00:00.000Z', identity: null }
  meanwhile.write = async (write, ...args) => {
    await write(join(path, 'lock-5.json'), JSON.stringify(holder), {})
    await write(...args)
  }
  await expect(createFolderClaim(path).take()).rejects.toMatchObject({ code: 'run-folder-in-use' })
  expect(await readdir(path)).toEqual(['lock-5.json'])
})

test('a claim that does not fit on the disk leaves no file', async () => {
  meanwhile.write = async (write, file, _, options) => {
    await write(file, '', options)
    throw systemError('ENOSPC')
  }
  const claim = createFolderClaim(path)
  await expect(claim.take()).rejects.toMatchObject({ code: 'disk-full' })
  expect(await readdir(path)).toEqual([])
  meanwhile.write = null
  await claim.take()
  expect(await readdir(path)).toEqual(['lock-1.json'])
})
