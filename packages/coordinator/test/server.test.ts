import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { encodeMessage, openWebSocket } from '@lockstep/protocol'
import { frameOfHeader, headerBombs, webSocketUpgrade } from '@lockstep/protocol/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDeferred } from '../src/deferred.ts'
import { attachClient, openClient, startListener } from './support/listener.ts'
import { makeSelfSigned } from './support/self-signed.ts'
import { heartbeat } from './support/test-membership.ts'

const goodbye = { type: 'bye', code: 'finished', reason: 'done' } as const
const own = makeSelfSigned()

/** A bare TCP connection that ends with the test. */
async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function answerTo(port: number, request: string): Promise<string> {
  const socket = await dial(port)
  let answer = ''
  socket.setEncoding('utf8').on('data', text => (answer += text))
  socket.write(request)
  await once(socket, 'close')
  return answer
}

describe('a listener', () => {
  test('gives the address at which workers reach it', async () => {
    const { listener } = await startListener()
    expect(listener.port).toBeGreaterThan(0)
    expect(listener.url).toBe(`ws://127.0.0.1:${listener.port}`)
  })

  test('carries messages both ways and reports the address of a peer', async () => {
    const { listener, connections, received } = await startListener()
    const client = await openClient(listener.url)
    client.connection.send(heartbeat)
    expect((await received.next()).message).toEqual(heartbeat)
    const { address, connection } = await connections.next()
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
    connection.send(heartbeat)
    expect((await client.received.next()).message).toEqual(heartbeat)
  })

  test('says what it is in answer to a plain HTTP request', async () => {
    const { listener, connections } = await startListener()
    const answer = await answerTo(listener.port, 'GET / HTTP/1.1\r\nHost: here\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/)
    expect(answer).toContain('A lockstep coordinator: workers connect by WebSocket.')
    expect(connections.all).toEqual([])
  })

  test('delays a handshake until it is open, and forgets a client that has left by then', async () => {
    const opening = createDeferred<void>()
    const { listener, connections } = await startListener({ opened: opening.promise })
    const impatient = await dial(listener.port)
    impatient.write(webSocketUpgrade)
    impatient.resetAndDestroy()
    const client = openClient(listener.url)
    // By this answer, the listener has handled everything that arrived before.
    await answerTo(listener.port, 'GET / HTTP/1.1\r\nHost: here\r\n\r\n')
    expect(connections.all).toEqual([])
    opening.resolve()
    await client
    expect(connections.all).toHaveLength(1)
  })

  test('reports random bytes, closes the connection and continues', async () => {
    const { listener, garbage, received } = await startListener()
    expect(await answerTo(listener.port, '\x00\xff\x13garbage\r\n\r\n')).toBe('')
    expect(await garbage.next()).toMatchObject({ reason: expect.stringMatching(/^not a WebSocket handshake/) })
    const client = await openClient(listener.url)
    client.connection.send(heartbeat)
    expect((await received.next()).message).toEqual(heartbeat)
  })

  test('fails if its port is taken', async () => {
    const { listener } = await startListener()
    await expect(startListener({ port: listener.port })).rejects.toMatchObject({
      code: 'port-taken',
      message: `port ${listener.port} on 127.0.0.1 is taken`,
      hint: expect.stringContaining('--listen'),
    })
  })

  test('fails if its address is not one of this machine', async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737).
    const failure = startListener({ host: '192.0.2.1' })
    await expect(failure).rejects.toMatchObject({
      code: 'cannot-listen',
      received: expect.stringMatching(/EADDRNOTAVAIL/),
      hint: expect.stringContaining('an address of this machine'),
    })
  })
})

describe('a listener closes a connection', () => {
  test('with a reason after a text message', async () => {
    const { listener, closings } = await startListener()
    const client = await openClient(listener.url)
    client.socket.send('hello')
    expect((await client.received.next()).message).toEqual({ type: 'bye', code: 'refused', reason: 'a text message' })
    expect(await closings.next()).toMatchObject({ code: 'frame-malformed' })
  })

  test('with a reason after a frame of the wrong length', async () => {
    const { listener, closings, received } = await startListener()
    const client = await openClient(listener.url)
    const frame = encodeMessage(heartbeat)
    client.connection.sendFrame(frame.subarray(0, frame.length - 1))
    expect((await client.received.next()).message).toMatchObject({ type: 'bye', code: 'refused' })
    expect(await closings.next()).toMatchObject({ code: 'frame-malformed' })
    expect(received.all).toEqual([])
  })

  test.each(Object.entries(headerBombs))('with little CPU time after a header of %s', async (_, header) => {
    const { listener, closings } = await startListener()
    const client = await openClient(listener.url)
    const before = process.cpuUsage()
    client.connection.sendFrame(frameOfHeader(header))
    expect((await client.received.next()).message).toMatchObject({ type: 'bye', code: 'refused' })
    expect(await closings.next()).toMatchObject({ code: 'frame-malformed' })
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000)
  })

  test('after a frame above the size limit, without reading it', async () => {
    const { listener, closings, received } = await startListener()
    const client = await openClient(listener.url)
    client.socket.send(new Uint8Array(100_001))
    expect(await closings.next()).toMatchObject({
      code: 'connection-failed',
      message: expect.stringContaining('Max payload'),
    })
    expect(received.all).toEqual([])
  })

  test('after malformed WebSocket frames', async () => {
    const { listener, closings } = await startListener()
    const socket = await dial(listener.port)
    socket.write(webSocketUpgrade)
    await once(socket, 'data')
    socket.write(Buffer.from('\xff\xff\xff\xff\xff\xff', 'latin1'))
    expect(await closings.next()).toMatchObject({ code: 'connection-failed' })
  })
})

describe('with TLS', () => {
  test('a worker that trusts the certificate connects by wss', async () => {
    const { listener, received } = await startListener({ tls: own })
    expect(listener.url).toBe(`wss://127.0.0.1:${listener.port}`)
    const client = await openClient(listener.url, { ca: own.cert, anyName: false })
    client.connection.send(heartbeat)
    expect((await received.next()).message).toEqual(heartbeat)
  })

  test('a client trusts a certificate that it was given under any name if `anyName` is set', async () => {
    const { listener } = await startListener({ tls: own })
    const url = listener.url.replace('127.0.0.1', 'localhost')
    await openClient(url, { ca: own.cert, anyName: true })
    const strict = attachClient(openWebSocket(url, 5000, { ca: own.cert, anyName: false }))
    expect(await strict.closings.next()).toMatchObject({ code: 'connection-failed' })
  })

  test('a worker that does not trust the certificate cannot connect, and its address is reported once', async () => {
    const { listener, connections, garbage } = await startListener({ tls: own })
    for (const trust of [undefined, { ca: makeSelfSigned().cert, anyName: true }]) {
      const client = attachClient(openWebSocket(listener.url, 5000, trust))
      expect(await client.closings.next()).toMatchObject({ code: 'connection-failed' })
    }
    expect(connections.all).toEqual([])
    const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/)
    const reason = 'it hung up within the TLS handshake; does it trust the certificate?'
    for (let worker = 0; worker < 2; worker++) expect(await garbage.next()).toEqual({ address, reason })
    await openClient(listener.url, { ca: own.cert, anyName: false })
    await listener.close()
    expect(garbage.all).toHaveLength(2)
  })

  test('a peer that does not speak TLS is reported once, with a short reason', async () => {
    const { listener, garbage } = await startListener({ tls: own })
    const client = attachClient(openWebSocket(listener.url.replace('wss', 'ws'), 5000))
    expect(await client.closings.next()).toMatchObject({ code: 'connection-failed' })
    const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/)
    expect(await garbage.next()).toEqual({ address, reason: 'not a WebSocket handshake (http request)' })
    await listener.close()
    expect(garbage.all).toHaveLength(1)
  })

  test('a silent peer is disconnected within 30 s', async () => {
    const { listener } = await startListener({ tls: own })
    const socket = await dial(listener.port)
    const startMs = performance.now()
    await once(socket, 'close')
    // Node's default is two minutes.
    expect(performance.now() - startMs).toBeLessThan(30_000)
  })

  test('an invalid certificate or key is a usage error', async () => {
    const wrong = [
      { cert: 'no certificate', key: own.key },
      { cert: own.cert, key: 'no key' },
      { cert: own.cert, key: makeSelfSigned().key },
    ]
    for (const tls of wrong) {
      await expect(startListener({ tls })).rejects.toMatchObject({ code: 'bad-tls', kind: 'usage' })
    }
  })
})

describe('closing a listener', () => {
  test('waits for peers to answer the goodbye', async () => {
    const { listener, connections } = await startListener()
    const client = await openClient(listener.url)
    const { connection } = await connections.next()
    connection.close(goodbye)
    await listener.close()
    expect((await client.received.next()).message).toEqual(goodbye)
    expect(await client.closings.next()).toBeNull()
  })

  test.each([
    ['TCP', null],
    ['TLS', own],
  ])('cuts off peers that do not close, and silent connections without a WebSocket (%s)', async (_, tls) => {
    const { listener, connections, closings } = await startListener({ tls })
    const silent = await dial(listener.port)
    const client = await openClient(listener.url, { ca: own.cert, anyName: true })
    await connections.next()
    client.socket.pause()
    const startMs = performance.now()
    await listener.close()
    // After the 2 s of the closing handshake. Without this, Node waits for a silent connection for more than a minute.
    expect(performance.now() - startMs).toBeLessThan(10_000)
    await closings.next()
    if (!silent.destroyed) await once(silent, 'close')
    client.socket.terminate()
  })

  test('refuses new connections', async () => {
    const { listener } = await startListener()
    await listener.close()
    const late = attachClient(openWebSocket(listener.url, 5000))
    expect(await late.closings.next()).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') })
  })
})
