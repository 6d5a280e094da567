import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { mkdir, readdir, readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { cifar10 } from '../../src/cifar/format.ts'
import { fetchCifar } from '../../src/fetch/fetch-cifar.ts'
import { withFolderLock } from '../../src/fetch/folder-lock.ts'
import { sendRange, serve } from '../support/file-server.ts'
import { packSmallCifar } from '../support/small-cifar.ts'
import { fetchOf, smallArchive } from '../support/small-fetch.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('the files of a fetch that was killed do not block the next one', async () => {
  const wanted = fetchOf({ from: await packSmallCifar(temporaryFolder(), cifar10) })
  const lock = join(wanted.folder, `${cifar10.folder}.lock`)
  await mkdir(lock, { recursive: true })
  await mkdir(join(wanted.folder, `${cifar10.folder}.unpacking`))
  // The holder of a lock keeps renewing its time, so a lock that is a minute old has no holder.
  const minuteAgo = new Date(Date.now() - 60_000)
  await utimes(lock, minuteAgo, minuteAgo)
  await fetchCifar(wanted)
  expect(await readdir(wanted.folder)).toEqual([cifar10.folder])
})

test('waiting for a lock fails if the folder is removed', async () => {
  const folder = temporaryFolder()
  await withFolderLock(
    folder,
    'data',
    () => expect.unreachable(),
    async () => {
      const waited = withFolderLock(
        folder,
        'data',
        () => rmSync(folder, { recursive: true }),
        async () => expect.unreachable(),
      )
      await expect(waited).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )
})

/** Takes the lock away and advances the clock to the holder's next check, which it makes every 15 s. */
function takeOver(folder: string, name: string): void {
  rmSync(join(folder, `${name}.lock`), { recursive: true })
  vi.advanceTimersByTime(15_000)
}

function fakeTimeouts(): void {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

test('the signal aborts when the lock is lost, and the work can still finish', async () => {
  fakeTimeouts()
  const folder = temporaryFolder()
  const done = await withFolderLock(
    folder,
    'data',
    () => expect.unreachable(),
    async signal => {
      takeOver(folder, 'data')
      await once(signal, 'abort')
      return signal.reason
    },
  )
  expect(done).toMatchObject({ code: 'lock-lost', message: expect.stringContaining(folder) })
})

test('a fetch that loses the lock fails and leaves the partial file to the new holder', async () => {
  const { content, official } = await smallArchive()
  const { address } = await serve(async (_, response) => {
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 2000))
    const hasBegun = () => readdirSync(wanted.folder).some(name => name.endsWith('.partial'))
    while (!hasBegun()) await setImmediate()
    takeOver(wanted.folder, cifar10.folder)
  })
  const wanted = fetchOf({ format: official(address) })
  fakeTimeouts()
  await expect(fetchCifar(wanted)).rejects.toMatchObject({ code: 'lock-lost' })
  expect(await readdir(wanted.folder)).toEqual([expect.stringMatching(/\.partial$/)])
})

const child = fileURLToPath(new URL('../support/fetch-in-process.mjs', import.meta.url))

test('of two processes that fetch at once, one downloads and both get the data set', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serve(async (request, response) => {
    await expect.poll(() => waiting, { interval: 20 }).toMatch(/another process is fetching/)
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

test('a fetch continues the download of a process that was killed', async () => {
  const { content, official } = await smallArchive()
  const { address, ranges } = await serve(async (request, response, attempt) => {
    if (attempt > 1) return sendRange(request, response, content)
    response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 2000))
  })
  const wanted = fetchOf({ format: official(address) })
  const killed = spawn(process.execPath, [child, JSON.stringify({ format: wanted.format, folder: wanted.folder })])
  await expect.poll(() => partialBytes(wanted.folder), { interval: 20 }).toBe(2000)
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
