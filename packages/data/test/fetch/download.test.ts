import { existsSync, statSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Progress } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { type Download, download } from '../../src/fetch/download.ts'
import { listen, rangeStart, sendPart, sendRange, serve, serveFile } from '../support/file-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** 300,000 bytes, each different from its neighbours. */
const content = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) & 255)

function downloadOf(url: string, options: Partial<Download> = {}): Download & { readonly seen: Progress[] } {
  const seen: Progress[] = []
  const file = join(temporaryFolder(), 'archive.partial')
  return {
    url,
    file,
    label: 'downloading',
    environment: {},
    signal: new AbortController().signal,
    onProgress: progress => seen.push(progress),
    retryMs: 1,
    seen,
    ...options,
  }
}

async function expectWhole(file: string): Promise<void> {
  expect(Buffer.compare(await readFile(file), content)).toBe(0)
}

test('a file is downloaded with progress', async () => {
  const wanted = downloadOf((await serveFile(content)).address)
  await download(wanted)
  await expectWhole(wanted.file)
  expect(wanted.seen.at(-1)).toEqual({ label: 'downloading', done: 300_000, total: 300_000, unit: 'bytes' })
})

test('a download continues where an earlier one stopped', async () => {
  const { address, ranges } = await serveFile(content)
  const wanted = downloadOf(address)
  await writeFile(wanted.file, content.subarray(0, 120_000))
  await download(wanted)
  await expectWhole(wanted.file)
  expect(ranges).toEqual(['bytes=120000-'])
  expect(wanted.seen[0]?.done).toBeGreaterThan(120_000)
  expect(wanted.seen.at(-1)).toMatchObject({ done: 300_000, total: 300_000 })
})

/** Sends the next 100,000 bytes and breaks the connection once they are in the file. */
async function breakAfterPart(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const start = rangeStart(request)
  sendPart(response, content, start, 100_000)
  await expect.poll(() => statSync(file).size, { interval: 5 }).toBe(start + 100_000)
  response.destroy()
}

test('a download resumes after its connection breaks', async () => {
  const file = join(temporaryFolder(), 'archive.partial')
  const { address, ranges } = await serve(async (request, response, attempt) => {
    if (attempt === 3) return sendRange(request, response, content)
    await breakAfterPart(file, request, response)
  })
  await download(downloadOf(address, { file }))
  await expectWhole(file)
  expect(ranges).toEqual(['all', 'bytes=100000-', 'bytes=200000-'])
})

test('a download survives two consecutive failed attempts, repeatedly, if each time new bytes arrive in between', async () => {
  const file = join(temporaryFolder(), 'archive.partial')
  const { address, ranges } = await serve(async (request, response, attempt) => {
    if (attempt === 7) return sendRange(request, response, content)
    if (attempt % 3 !== 1) return void request.socket.destroy()
    await breakAfterPart(file, request, response)
  })
  await download(downloadOf(address, { file }))
  await expectWhole(file)
  const [second, third] = ['bytes=100000-', 'bytes=200000-']
  expect(ranges).toEqual(['all', second, second, second, third, third, third])
})

test.each([429, 500, 503])('a download is retried after status %d', async status => {
  const { address } = await serve((request, response, attempt) =>
    attempt < 3 ? void response.writeHead(status).end() : sendRange(request, response, content),
  )
  const wanted = downloadOf(address)
  await download(wanted)
  await expectWhole(wanted.file)
})

test.each([206, 416])('status %d for the whole file fails the download', async status => {
  const { address, ranges } = await serve((_, response) => void response.writeHead(status).end())
  const failed = download(downloadOf(address))
  await expect(failed).rejects.toMatchObject({ code: 'download-failed', received: `HTTP status ${status}` })
  expect(ranges).toEqual(['all'])
})

test('a download starts over if the server ignores ranges', async () => {
  const wanted = downloadOf((await serve((_, response) => void response.end(content))).address)
  await writeFile(wanted.file, content.subarray(0, 120_000))
  await download(wanted)
  await expectWhole(wanted.file)
})

test('a file that is already complete stays as it is', async () => {
  const wanted = downloadOf((await serveFile(content)).address)
  await writeFile(wanted.file, content)
  await download(wanted)
  await expectWhole(wanted.file)
})

test('existing content longer than the file is discarded', async () => {
  const { address, ranges } = await serveFile(content)
  const wanted = downloadOf(address)
  await writeFile(wanted.file, new Uint8Array(400_000))
  await download(wanted)
  await expectWhole(wanted.file)
  expect(ranges).toEqual(['bytes=400000-', 'all'])
})

test('a response with a wrong range is discarded, and the download starts over', async () => {
  const { address } = await serve((request, response) => {
    if (request.headers.range === undefined) response.end(content)
    else sendPart(response, content, 7, 10)
  })
  const wanted = downloadOf(address)
  await writeFile(wanted.file, content.subarray(0, 120_000))
  await download(wanted)
  await expectWhole(wanted.file)
})

test('a download fails after three attempts at a busy server', async () => {
  const { address, ranges } = await serve((_, response) => void response.writeHead(503).end())
  await expect(download(downloadOf(address))).rejects.toMatchObject({
    code: 'download-failed',
    message: `${address} cannot be downloaded`,
    received: 'HTTP status 503',
  })
  expect(ranges).toHaveLength(3)
})

test('a file that does not exist fails the download without a retry', async () => {
  const { address, ranges } = await serve((_, response) => void response.writeHead(404).end())
  const wanted = downloadOf(address)
  await expect(download(wanted)).rejects.toMatchObject({ code: 'download-failed', received: 'HTTP status 404' })
  expect(ranges).toHaveLength(1)
  expect(existsSync(wanted.file)).toBe(false)
})

test('a refused connection fails the download without a retry', async () => {
  const server = createServer()
  const address = await listen(server)
  await new Promise(resolve => server.close(resolve))
  const wanted = downloadOf(address, { retryMs: 1e6 })
  await expect(download(wanted)).rejects.toMatchObject({
    code: 'download-failed',
    received: expect.stringContaining('ECONNREFUSED'),
  })
})

test('redirects are followed', async () => {
  const target = await serveFile(content)
  const { address } = await serve((_, response) => void response.writeHead(302, { location: target.address }).end())
  const wanted = downloadOf(address)
  await download(wanted)
  await expectWhole(wanted.file)
})

test('the proxy from the environment is used', async () => {
  const target = await serveFile(content)
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, client) => {
    asked.push(request.url ?? '')
    const upstream = connect(Number(new URL(target.address).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('error', () => upstream.destroy())
  })
  const environment = { HTTP_PROXY: await listen(proxy), NO_PROXY: 'elsewhere.invalid' }
  const wanted = downloadOf('http://data.invalid/archive', { environment })
  await download(wanted)
  await expectWhole(wanted.file)
  expect(asked).toEqual(['data.invalid:80'])
})

test('a download that is aborted fails with the reason and keeps its file', async () => {
  const controller = new AbortController()
  const { address } = await serve((_, response) => {
    response.writeHead(200, { 'content-length': content.length })
    response.write(content.subarray(0, 100_000))
  })
  const wanted = downloadOf(address, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error('enough')),
  })
  await expect(download(wanted)).rejects.toThrow('enough')
  expect(existsSync(wanted.file)).toBe(true)
})

test.each([
  ['before the response', undefined],
  ['between two attempts', 503],
])('a download that is aborted %s fails at once with the reason', async (_, status) => {
  const controller = new AbortController()
  const { address } = await serve((_, response) => {
    if (status === undefined) return controller.abort(new Error('enough'))
    response.once('close', () => setImmediate(() => controller.abort(new Error('enough'))))
    response.writeHead(status).end()
  })
  const wanted = downloadOf(address, { signal: controller.signal, retryMs: 1e6 })
  await expect(download(wanted)).rejects.toThrow('enough')
})

test('a file that cannot be written is reported', async () => {
  const wanted = downloadOf((await serveFile(content)).address, { file: join(temporaryFolder(), 'absent', 'archive') })
  await expect(download(wanted)).rejects.toMatchObject({
    code: 'download-failed',
    received: expect.stringContaining('ENOENT'),
  })
})

test('a full disk is reported', async () => {
  const wanted = downloadOf((await serveFile(content)).address, { file: '/dev/full' })
  await expect(download(wanted)).rejects.toMatchObject({
    code: 'disk-full',
    hint: expect.stringContaining('--data-dir'),
  })
})
