import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { create } from 'tar'
import { expect, test, vi } from 'vitest'
import { type CifarFormat, cifar10, cifar100 } from '../../src/cifar/format.ts'
import { readCifar } from '../../src/cifar/read.ts'
import { type FetchOptions, fetchCifar } from '../../src/fetch/fetch-cifar.ts'
import { dataSetSha256 } from '../../src/split.ts'
import { sendRange, serve, serveFile } from '../support/file-server.ts'
import { packSmallCifar, writeSmallCifar } from '../support/small-cifar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function fetchOf(options: Partial<FetchOptions>): FetchOptions & { readonly notices: string[] } {
  const notices: string[] = []
  return {
    format: cifar10,
    folder: join(temporaryFolder(), 'data'),
    environment: {},
    onProgress: () => undefined,
    onNotice: notice => notices.push(notice),
    retryMs: 1,
    notices,
    ...options,
  }
}

/** A small archive, and a format whose official archive it is, at an address that a test server gives. */
async function smallArchive(): Promise<{ content: Uint8Array; official: (address: string) => CifarFormat }> {
  const content = await readFile(await packSmallCifar(temporaryFolder(), cifar10))
  const md5 = createHash('md5').update(content).digest('hex')
  return { content, official: address => ({ ...cifar10, url: `${address}/${cifar10.archive}`, md5 }) }
}

test('the official archive is downloaded, unpacked and read, and nothing else is left', async () => {
  const { content, official } = await smallArchive()
  const { address } = await serveFile(content)
  const labels = new Set<string>()
  const wanted = fetchOf({ format: official(address), onProgress: ({ label }) => labels.add(label) })
  const dataSet = await fetchCifar(wanted)
  expect(dataSet.source).toBe(join(wanted.folder, cifar10.folder))
  expect(dataSetSha256(await readCifar(dataSet.source, cifar10))).toBe(dataSetSha256(dataSet))
  expect(await readdir(wanted.folder)).toEqual([cifar10.folder])
  expect([...labels]).toEqual(['downloading CIFAR-10', 'unpacking CIFAR-10'])
  expect(wanted.notices).toEqual([])
})

test('a mirror that the environment names is asked in place of the official address', async () => {
  const { content, official } = await smallArchive()
  const paths: (string | undefined)[] = []
  const { address } = await serve((request, response) => {
    paths.push(request.url)
    response.end(content)
  })
  const environment = { LOCKSTEP_DATA_MIRROR: `${address}/mirror/` }
  await fetchCifar(fetchOf({ format: official('http://official.invalid'), environment }))
  expect(paths).toEqual([`/mirror/${cifar10.archive}`])
})

test('an archive of another MD5 is refused at the official address, and not kept', async () => {
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

test('a download that was taken up after the wrong beginning starts over', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serveFile(content)
  const wanted = fetchOf({ format: official(address) })
  const cut = await interrupted(wanted, content)
  await writeFile(cut, new Uint8Array(100))
  await fetchCifar(wanted)
  expect(ranges).toEqual(['bytes=100-', 'all'])
  expect(wanted.notices).toEqual([expect.stringContaining('from the beginning')])
})

test('a fetch that was interrupted goes on where it stopped', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serveFile(content)
  const wanted = fetchOf({ format: official(address) })
  await truncate(await interrupted(wanted, content), 1000)
  await fetchCifar(wanted)
  expect(ranges).toEqual(['bytes=1000-'])
})

/** Leaves what a fetch that was killed while downloading leaves; returns the file. */
async function interrupted(wanted: FetchOptions, content: Uint8Array): Promise<string> {
  const address = createHash('sha256').update(wanted.format.url).digest('hex').slice(0, 8)
  const file = join(wanted.folder, `${cifar10.archive}.${address}.partial`)
  await mkdir(wanted.folder, { recursive: true })
  await writeFile(file, content)
  return file
}

test('an archive that the user names by file or address is taken with a notice, and a file is left where it is', async () => {
  const archive = await packSmallCifar(temporaryFolder(), cifar100)
  const { address } = await serveFile(await readFile(archive))
  for (const from of [archive, `file://${archive}`, `${address}/any-name.tgz`]) {
    const wanted = fetchOf({ format: cifar100, from })
    expect((await fetchCifar(wanted)).train.count).toBe(4)
    expect(wanted.notices).toEqual([expect.stringMatching(/is not the official archive of CIFAR-100/)])
    expect(await readdir(wanted.folder)).toEqual([cifar100.folder])
  }
  expect((await readFile(archive)).length).toBeGreaterThan(0)
})

test('an archive whose data set is damaged is refused, naming the record, and nothing is left of it', async () => {
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

test('an archive of another data set is refused', async () => {
  const archive = await packSmallCifar(temporaryFolder(), cifar100)
  await expect(fetchCifar(fetchOf({ from: archive }))).rejects.toMatchObject({
    code: 'archive-wrong',
    message: `${archive} does not hold CIFAR-10`,
  })
})

test.each([
  { what: 'cut off', spoil: (content: Buffer) => content.subarray(0, content.length - 200) },
  { what: 'flipped in a byte', spoil: (content: Buffer) => content.fill(content[2500]! ^ 1, 2500, 2501) },
  { what: 'no archive at all', spoil: () => Buffer.from('<html>404</html>') },
])('an archive that is $what is refused', async ({ spoil }) => {
  const archive = await packSmallCifar(temporaryFolder(), cifar10)
  await writeFile(archive, spoil(await readFile(archive)))
  const wanted = fetchOf({ from: archive })
  await expect(fetchCifar(wanted)).rejects.toMatchObject({ code: 'archive-wrong' })
  expect(await readdir(wanted.folder)).toEqual([])
})

test('a file that is not there is told, with what else could be meant', async () => {
  const from = join(temporaryFolder(), 'absent.tar.gz')
  await expect(fetchCifar(fetchOf({ from }))).rejects.toMatchObject({
    code: 'archive-unreadable',
    hint: expect.stringContaining('--data-dir'),
  })
})

test('a folder that cannot be made is told', async () => {
  const file = join(temporaryFolder(), 'file')
  await writeFile(file, '')
  await expect(fetchCifar(fetchOf({ folder: join(file, 'data') }))).rejects.toMatchObject({ code: 'data-folder' })
})

test('a data set that is there and whole is kept', async () => {
  const wanted = fetchOf({ from: '/absent.tar.gz' })
  const folder = await writeSmallCifar(wanted.folder, cifar10)
  expect((await fetchCifar(wanted)).source).toBe(folder)
  expect(wanted.notices).toEqual([`CIFAR-10 is in ${folder} already, and whole`])
})

test('a data set that is there but broken is fetched anew', async () => {
  const archive = await packSmallCifar(temporaryFolder(), cifar10)
  const wanted = fetchOf({ from: archive })
  const folder = await writeSmallCifar(wanted.folder, cifar10)
  await rm(join(folder, 'data_batch_1.bin'))
  expect((await fetchCifar(wanted)).train.count).toBe(20)
  expect(wanted.notices[0]).toMatch(/data_batch_1.bin is missing[\s\S]*fetching CIFAR-10 anew/)
})

test('what a fetch that was killed left behind does not stop the next one', async () => {
  const wanted = fetchOf({ from: await packSmallCifar(temporaryFolder(), cifar10) })
  const lock = join(wanted.folder, `${cifar10.folder}.lock`)
  await mkdir(lock, { recursive: true })
  await mkdir(join(wanted.folder, `${cifar10.folder}.unpacking`))
  // The holder of a lock renews its time; one of a minute ago has no holder.
  const minuteAgo = new Date(Date.now() - 60_000)
  await utimes(lock, minuteAgo, minuteAgo)
  await fetchCifar(wanted)
  expect(await readdir(wanted.folder)).toEqual([cifar10.folder])
})

const child = fileURLToPath(new URL('../support/fetch-in-process.mjs', import.meta.url))

test('of two processes that fetch at once one downloads, and both find the data set', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serve(async (request, response) => {
    await vi.waitFor(() => expect(waiting).toMatch(/another process is fetching/), { timeout: 30_000, interval: 20 })
    sendRange(request, response, content)
  })
  const folder = join(temporaryFolder(), 'data')
  const job = JSON.stringify({ format: official(address), folder })
  const processes = [1, 2].map(() => spawn(process.execPath, [child, job], { stdio: ['ignore', 'pipe', 'pipe'] }))
  let waiting = ''
  for (const { stderr } of processes) {
    stderr.setEncoding('utf8').on('data', chunk => {
      waiting += chunk
    })
  }
  const [outputs, codes] = await Promise.all([
    Promise.all(processes.map(({ stdout }) => text(stdout))),
    Promise.all(processes.map(async each => (await once(each, 'close'))[0])),
  ])
  expect({ codes, outputs, waiting: /another/.test(waiting) }).toEqual({
    codes: [0, 0],
    outputs: ['20', '20'],
    waiting: true,
  })
  expect(ranges).toEqual(['all'])
})

test('a process that is killed while it downloads leaves a download to go on with', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serve(async (request, response, attempt) => {
    if (attempt > 1) return sendRange(request, response, content)
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 2000))
  })
  const wanted = fetchOf({ format: official(address) })
  const killed = spawn(process.execPath, [child, JSON.stringify({ format: wanted.format, folder: wanted.folder })])
  await vi.waitFor(async () => expect(await partialBytes(wanted.folder)).toBe(2000), { timeout: 30_000, interval: 20 })
  killed.kill('SIGKILL')
  await once(killed, 'close')
  const lock = join(wanted.folder, `${cifar10.folder}.lock`)
  const minuteAgo = new Date(Date.now() - 60_000)
  await utimes(lock, minuteAgo, minuteAgo)
  expect((await fetchCifar(wanted)).test.count).toBe(3)
  expect(ranges).toEqual(['all', 'bytes=2000-'])
})

async function partialBytes(folder: string): Promise<number> {
  const name = (await readdir(folder).catch(() => [])).find(each => each.endsWith('.partial'))
  return name === undefined ? 0 : (await readFile(join(folder, name))).length
}
