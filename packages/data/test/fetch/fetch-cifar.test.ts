import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Progress } from '@lockstep/protocol'
import { create } from 'tar'
import { expect, test } from 'vitest'
import { cifar10, cifar100 } from '../../src/cifar/format.ts'
import { readCifar } from '../../src/cifar/read.ts'
import { type FetchOptions, fetchCifar } from '../../src/fetch/fetch-cifar.ts'
import { dataSetSha256 } from '../../src/split.ts'
import { serve, serveFile } from '../support/file-server.ts'
import { packSmallCifar, writeSmallCifar } from '../support/small-cifar.ts'
import { fetchOf, smallArchive } from '../support/small-fetch.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('the official archive is downloaded, unpacked and read, and no other files remain', async () => {
  const { content, official } = await smallArchive()
  const { address } = await serveFile(content)
  const seen: Progress[] = []
  // An empty variable counts as unset.
  const environment = { LOCKSTEP_DATA_MIRROR: '' }
  const wanted = fetchOf({ format: official(address), environment, onProgress: each => seen.push(each) })
  const dataSet = await fetchCifar(wanted)
  expect(dataSet.source).toBe(join(wanted.folder, cifar10.folder))
  expect(dataSetSha256(await readCifar(dataSet.source, cifar10))).toBe(dataSetSha256(dataSet))
  expect(await readdir(wanted.folder)).toEqual([cifar10.folder])
  expect([...new Set(seen.map(({ label }) => label))]).toEqual(['downloading CIFAR-10', 'unpacking CIFAR-10'])
  const { length } = content
  expect(seen.at(-1)).toEqual({ label: 'unpacking CIFAR-10', done: length, total: length, unit: 'bytes' })
  expect(wanted.notices).toEqual([])
})

test('a mirror in the environment replaces the official address', async () => {
  const { content, official } = await smallArchive()
  const paths: (string | undefined)[] = []
  const { address } = await serve((request, response) => {
    paths.push(request.url)
    response.end(content)
  })
  const environment = { LOCKSTEP_DATA_MIRROR: `${address}/mirror//` }
  await fetchCifar(fetchOf({ format: official('http://official.invalid'), environment }))
  expect(paths).toEqual([`/mirror/${cifar10.archive}`])
})

test('an archive with a wrong MD5 from the official address is rejected and deleted', async () => {
  const { content } = await smallArchive()
  const { address } = await serveFile(content)
  const wanted = fetchOf({ format: { ...cifar10, url: address } })
  await expect(fetchCifar(wanted)).rejects.toMatchObject({
    code: 'archive-wrong',
    expected: `MD5 ${cifar10.md5}`,
    hint: expect.stringContaining('--from'),
  })
  expect(await readdir(wanted.folder)).toEqual([])
})

test('a download that was resumed from wrong content starts over', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serveFile(content)
  const wanted = fetchOf({ format: official(address) })
  const cut = await interrupted(wanted, content)
  await writeFile(cut, new Uint8Array(100))
  await fetchCifar(wanted)
  expect(ranges).toEqual(['bytes=100-', 'all'])
  expect(wanted.notices).toEqual([expect.stringContaining('from the beginning')])
})

test('a fetch that was interrupted continues where it stopped', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serveFile(content)
  const wanted = fetchOf({ format: official(address) })
  await truncate(await interrupted(wanted, content), 1000)
  await fetchCifar(wanted)
  expect(ranges).toEqual(['bytes=1000-'])
})

/** Writes the partial file of a fetch that was killed while downloading; returns its path. */
async function interrupted(wanted: FetchOptions, content: Uint8Array): Promise<string> {
  const address = createHash('sha256').update(wanted.format.url).digest('hex').slice(0, 8)
  const file = join(wanted.folder, `${cifar10.archive}.${address}.partial`)
  await mkdir(wanted.folder, { recursive: true })
  await writeFile(file, content)
  return file
}

test('an unofficial archive given as a file or address is accepted with a notice, and the file is kept', async () => {
  const archive = await packSmallCifar(temporaryFolder(), cifar100)
  const { address } = await serveFile(await readFile(archive))
  const url = `${address}/any-name.tgz`
  for (const from of [archive, `file://${archive}`, `FILE://${archive}`, url, url.replace('http', 'HTTP')]) {
    const wanted = fetchOf({ format: cifar100, from })
    expect((await fetchCifar(wanted)).train.count).toBe(4)
    expect(wanted.notices).toEqual([expect.stringMatching(/is not the official archive of CIFAR-100/)])
    expect(await readdir(wanted.folder)).toEqual([cifar100.folder])
  }
  expect((await readFile(archive)).length).toBeGreaterThan(0)
})

test('an archive of a damaged data set is rejected with the record, and nothing of it is kept', async () => {
  const place = temporaryFolder()
  const folder = await writeSmallCifar(place, cifar10)
  const records = await readFile(join(folder, 'test_batch.bin'))
  records[3073] = 11
  await writeFile(join(folder, 'test_batch.bin'), records)
  const archive = join(place, 'archive.tar.gz')
  await create({ gzip: true, file: archive, cwd: place }, [cifar10.folder])
  const wanted = fetchOf({ from: archive })
  await expect(fetchCifar(wanted)).rejects.toMatchObject({
    code: 'data-damaged',
    message: expect.stringContaining('test_batch.bin: record 1 has a label out of range'),
  })
  expect(await readdir(wanted.folder)).toEqual([])
})

test('an archive of another data set is rejected', async () => {
  const archive = await packSmallCifar(temporaryFolder(), cifar100)
  await expect(fetchCifar(fetchOf({ from: archive }))).rejects.toMatchObject({
    code: 'archive-wrong',
    message: `${archive} does not hold CIFAR-10`,
  })
})

test.each([
  { what: 'truncated', spoil: (content: Buffer) => content.subarray(0, content.length - 200) },
  { what: 'corrupt in one byte', spoil: (content: Buffer) => content.fill(content[2500]! ^ 1, 2500, 2501) },
  { what: 'not an archive', spoil: () => Buffer.from('<html>404</html>') },
])('a file that is $what is rejected as an archive', async ({ spoil }) => {
  const archive = await packSmallCifar(temporaryFolder(), cifar10)
  await writeFile(archive, spoil(await readFile(archive)))
  const wanted = fetchOf({ from: archive })
  await expect(fetchCifar(wanted)).rejects.toMatchObject({ code: 'archive-wrong' })
  expect(await readdir(wanted.folder)).toEqual([])
})

test('the error for a missing archive suggests --data-dir', async () => {
  const from = join(temporaryFolder(), 'absent.tar.gz')
  await expect(fetchCifar(fetchOf({ from }))).rejects.toMatchObject({
    code: 'archive-unreadable',
    hint: expect.stringContaining('--data-dir'),
  })
})

test('a folder that cannot be created is reported', async () => {
  const file = join(temporaryFolder(), 'file')
  await writeFile(file, '')
  await expect(fetchCifar(fetchOf({ folder: join(file, 'data') }))).rejects.toMatchObject({ code: 'data-folder' })
})

test('an intact data set is not fetched again', async () => {
  const wanted = fetchOf({ from: '/absent.tar.gz' })
  const folder = await writeSmallCifar(wanted.folder, cifar10)
  expect((await fetchCifar(wanted)).source).toBe(folder)
  expect(wanted.notices).toEqual([`CIFAR-10 is in ${folder} already, and whole`])
})

test('a damaged data set is fetched again', async () => {
  const archive = await packSmallCifar(temporaryFolder(), cifar10)
  const wanted = fetchOf({ from: archive })
  const folder = await writeSmallCifar(wanted.folder, cifar10)
  await rm(join(folder, 'data_batch_1.bin'))
  expect((await fetchCifar(wanted)).train.count).toBe(20)
  expect(wanted.notices[0]).toMatch(/data_batch_1.bin is missing[\s\S]*fetching CIFAR-10 anew/)
})
