import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { openHttpClient } from '../../src/fetch/http-client.ts'
import { serve } from '../support/file-server.ts'

const { signal } = new AbortController()
const impatient = { connectMs: 500, headersMs: 200, silenceMs: 200 }

test('a server that accepts and then says nothing is given up', async () => {
  const { address } = await serve(() => undefined)
  const client = await openHttpClient({}, impatient)
  await expect(client.get(address, 0, signal)).rejects.toThrow(/headers timeout/i)
  await client.close()
})

test('a server that falls silent within the body is given up', async () => {
  const { address } = await serve((_, response) => void response.writeHead(200).write('beginning'))
  const client = await openHttpClient({}, impatient)
  const { body } = await client.get(address, 0, signal)
  await expect(text(body)).rejects.toThrow(/body timeout/i)
  await client.close()
})

test('the whole of a file is asked for without a range, the rest of it with one', async () => {
  const { address, ranges } = await serve((_, response) => {
    response.writeHead(206, { 'content-range': 'bytes 7-9/10', 'content-length': 3 }).end('abc')
  })
  const client = await openHttpClient({})
  await client.get(address, 0, signal).then(({ body }) => text(body))
  const { status, bodyBytes, rangeStart, fileBytes, body } = await client.get(address, 7, signal)
  expect({ status, bodyBytes, rangeStart, fileBytes }).toEqual({
    status: 206,
    bodyBytes: 3,
    rangeStart: 7,
    fileBytes: 10,
  })
  expect(await text(body)).toBe('abc')
  expect(ranges).toEqual(['all', 'bytes=7-'])
  await client.close()
})
