import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openHttpClient } from '../../src/fetch/http-client.ts'
import { listen, serve } from '../support/file-server.ts'

const { signal } = new AbortController()
const impatient = { connectMs: 500, headersMs: 200, silenceMs: 200 }

test('a request fails if the server accepts it and sends nothing', async () => {
  const { address } = await serve(() => undefined)
  const client = await openHttpClient({}, impatient)
  await expect(client.get(address, 0, signal)).rejects.toThrow(/headers timeout/i)
  await client.close()
})

test('a request fails if the server stops sending within the body', async () => {
  const { address } = await serve((_, response) => void response.writeHead(200).write('beginning'))
  const client = await openHttpClient({}, impatient)
  const { body } = await client.get(address, 0, signal)
  await expect(text(body)).rejects.toThrow(/body timeout/i)
  await client.close()
})

test('a request that is aborted fails at once', async () => {
  const controller = new AbortController()
  const { address } = await serve(() => controller.abort(new Error('enough')))
  const client = await openHttpClient({}, impatient)
  await expect(client.get(address, 0, controller.signal)).rejects.toThrow('enough')
  await client.close()
})

test.each([
  ['10', 10],
  ['*', undefined],
])('a request has a range only from an offset, in a file of %s bytes', async (size, fileBytes) => {
  const { address, ranges } = await serve((_, response) => {
    response.writeHead(206, { 'content-range': `bytes 7-9/${size}`, 'content-length': 3 }).end('abc')
  })
  const client = await openHttpClient({})
  await client.get(address, 0, signal).then(({ body }) => text(body))
  const { status, bodyBytes, rangeStart, body, ...others } = await client.get(address, 7, signal)
  expect([status, bodyBytes, rangeStart, others.fileBytes]).toEqual([206, 3, 7, fileBytes])
  expect(await text(body)).toBe('abc')
  expect(ranges).toEqual(['all', 'bytes=7-'])
  await client.close()
})

/** A proxy that refuses every connection and records the hosts requested. */
async function startProxy() {
  const asked: (string | undefined)[] = []
  const server = createServer()
  server.on('connect', ({ url }, client) => {
    asked.push(url)
    client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  return { address: await listen(server), asked }
}

const nobody = 'http://127.0.0.1:1'

test.each([
  ['http', 'HTTP_PROXY', 'HTTPS_PROXY'],
  ['http', 'http_proxy', 'HTTP_PROXY'],
  ['https', 'HTTPS_PROXY', 'HTTP_PROXY'],
  ['https', 'https_proxy', 'HTTPS_PROXY'],
  ['https', 'HTTP_PROXY', 'NO_PROXY'],
])('a request over %s goes through the proxy in %s, not the one in %s', async (scheme, variable, other) => {
  const { address, asked } = await startProxy()
  const client = await openHttpClient({ [other]: nobody, [variable]: address })
  await expect(client.get(`${scheme}://data.invalid/archive`, 0, signal)).rejects.toThrow()
  expect(asked).toEqual([scheme === 'http' ? 'data.invalid:80' : 'data.invalid:443'])
  await client.close()
})

test.each(['NO_PROXY', 'no_proxy'])('a host listed in %s is contacted directly', async variable => {
  const { address } = await serve((_, response) => void response.end('abc'))
  const client = await openHttpClient({ HTTP_PROXY: nobody, [variable]: 'elsewhere.invalid,127.0.0.1' })
  const { body } = await client.get(address, 0, signal)
  expect(await text(body)).toBe('abc')
  await client.close()
})

test('at most five redirects are followed', async () => {
  const { address, ranges } = await serve((_, response, attempt) => {
    response.writeHead(302, { location: `/${attempt}` }).end()
  })
  const client = await openHttpClient({})
  const { status, discard } = await client.get(address, 0, signal)
  await discard()
  expect([status, ranges.length]).toEqual([302, 6])
  await client.close()
})
