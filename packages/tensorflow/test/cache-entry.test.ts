import { mkdir, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { asidePrefix, createEntry, findLeftovers, readEntry, sha256OfFile } from '../src/cache-entry.ts'
import { temporaryFolder } from './support/machine.ts'

let cache: string

beforeEach(async () => {
  cache = await temporaryFolder()
})

test('an entry with a truncated file is rejected, even if the file has its old modification time', async () => {
  const time = new Date('2026-03-01T09:00:00Z')
  await createEntry(cache, 'entry', async folder => {
    await writeFile(join(folder, 'library'), 'all of it')
    await utimes(join(folder, 'library'), time, time)
    return { version: '1', files: [{ path: 'library', sha256: await sha256OfFile(join(folder, 'library')) }] }
  })
  const file = join(cache, 'entry', 'library')
  expect(await readEntry(join(cache, 'entry'))).toMatchObject({ version: '1' })
  await truncate(file, 3)
  await utimes(file, time, time)
  expect(await readEntry(join(cache, 'entry'))).toBeUndefined()
})

test('leftovers are those of ended processes, those of this process, and those older than a day', async () => {
  const leave = async (processId: number, ageMs: number) => {
    const folder = join(cache, `${asidePrefix}${processId}-x${ageMs}`)
    await mkdir(folder)
    const time = new Date(Date.now() - ageMs)
    await utimes(folder, time, time)
    return folder
  }
  const hourMs = 3_600_000
  // The parent of this process is alive, and no process id is as large as the last one.
  await leave(process.ppid, 23 * hourMs)
  const left = [await leave(process.ppid, 25 * hourMs), await leave(process.pid, 0), await leave(2 ** 31 - 1, 0)]
  expect([...(await findLeftovers(cache))].sort()).toEqual(left.sort())
})
