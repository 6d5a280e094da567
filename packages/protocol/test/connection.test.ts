import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { encodeMessage } from '../src/codec.ts'
import { openWebSocket } from '../src/connection.ts'
import { maxTopologyLength } from '../src/messages.ts'
import { webSocketFrame } from '../src/testing/web-socket-frame.ts'
import { examples, exampleTensors, sizes } from './support/messages.ts'
import { connectPair, createEnd, listen } from './support/sockets.ts'

const bye = { type: 'bye', code: 'finished', reason: 'done' } as const

describe('a connection', () => {
  test('carries messages and tensors both ways', async () => {
    const { server, client } = await connectPair()
    server.connection.setSizes(sizes)
    client.connection.setSizes(sizes)
    client.connection.send(examples.gradient, exampleTensors.gradient)
    server.connection.send(examples.work, exampleTensors.work)
    expect(await server.next()).toEqual({ message: examples.gradient, tensors: exampleTensors.gradient })
    expect(await client.next()).toEqual({ message: examples.work, tensors: exampleTensors.work })
  })

  test('carries a long message in fragments', async () => {
    const { server, client } = await connectPair()
    const elements = 5_000_000
    client.connection.setSizes({ ...sizes, weights: elements })
    const sent = vi.spyOn(server.socket, 'send')
    const gradient = new Float32Array(elements).map((_, index) => index)
    server.connection.send(examples.update, { gradient })
    server.connection.send(examples.heartbeat)
    const arrived = (await client.next()).tensors.gradient
    expect(
      Buffer.from(arrived!.buffer, arrived!.byteOffset, arrived!.byteLength).equals(Buffer.from(gradient.buffer)),
    ).toBe(true)
    expect((await client.next()).message).toEqual(examples.heartbeat)
    // 20 MB, and the heartbeat.
    expect(sent.mock.calls.map(([bytes]) => (bytes as Uint8Array).byteLength > 1 << 20)).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  test('does not change a frame that is broadcast', async () => {
    const { server, client } = await connectPair()
    for (const end of [server, client]) end.connection.setSizes(sizes)
    const frame = encodeMessage(examples.update, exampleTensors.update)
    const before = frame.slice()
    for (const end of [server, client]) end.connection.sendFrame(frame)
    await Promise.all([server.next(), client.next()])
    expect(frame).toEqual(before)
  })

  test('gives the tensors of each of many small messages their own memory', async () => {
    const { server, client } = await connectPair()
    server.connection.setSizes(sizes)
    for (let i = 0; i < 20; i++) client.connection.send(examples.gradient, exampleTensors.gradient)
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 20; i++) buffers.add((await server.next()).tensors.gradient!.buffer)
    const frameBytes = encodeMessage(examples.gradient, exampleTensors.gradient).byteLength
    expect([...buffers].map(buffer => buffer.byteLength)).toEqual(new Array(20).fill(frameBytes))
  })

  test('says goodbye after all earlier messages', async () => {
    const { server, client } = await connectPair()
    client.connection.send(examples.heartbeat)
    client.connection.close(bye)
    expect(await server.closed).toBeNull()
    expect(server.received.map(({ message }) => message)).toEqual([examples.heartbeat, bye])
    expect(await client.closed).toBeNull()
  })

  test('says goodbye even if sending the queue takes long', async () => {
    const { server, client } = await connectPair()
    const elements = 2_000_000
    client.connection.setSizes({ ...sizes, weights: elements })
    for (let i = 0; i < 12; i++) server.connection.send(examples.update, { gradient: new Float32Array(elements) })
    server.connection.close(bye)
    for (let i = 0; i < 12; i++) {
      expect((await client.next()).message).toEqual(examples.update)
      client.socket.pause()
      await delay(400)
      client.socket.resume()
    }
    expect((await client.next()).message).toEqual(bye)
    expect(await server.closed).toBeNull()
  })

  test('is cut off soon after its goodbye if the peer reads nothing', async () => {
    const { server, client } = await connectPair()
    client.socket.pause()
    for (let i = 0; i < 64; i++) server.connection.sendFrame(new Uint8Array(1 << 20))
    const startMs = performance.now()
    server.connection.close(bye)
    await server.closed
    expect(performance.now() - startMs).toBeLessThan(20_000)
    client.socket.terminate()
  })

  test('truncates a goodbye that is too long for the protocol', async () => {
    const { server, client } = await connectPair()
    client.connection.close({ ...bye, reason: 'x'.repeat(5000) })
    expect((await server.next()).message).toEqual({ ...bye, reason: 'x'.repeat(2048) })
  })

  test('of a worker accepts a welcome with the longest topology in multi-byte characters', async () => {
    const { server, client } = await connectPair()
    const welcome = { ...examples.welcome, topology: '€'.repeat(maxTopologyLength) }
    server.connection.send(welcome)
    expect((await client.next()).message).toEqual(welcome)
  })

  test('drops messages that are sent after its end', async () => {
    const { server, client } = await connectPair()
    client.connection.close(bye)
    client.connection.send(examples.heartbeat)
    await Promise.all([server.closed, client.closed])
    client.connection.send(examples.heartbeat)
    server.connection.close(bye)
    expect(server.received).toHaveLength(1)
  })

  test('ends at both ends when it is cut off', async () => {
    const { server, client } = await connectPair()
    server.connection.terminate()
    await Promise.all([server.closed, client.closed])
  })

  test('counts the bytes that a peer does not read', async () => {
    const { server, client } = await connectPair()
    client.socket.pause()
    expect(server.connection.queuedBytes()).toBe(0)
    // Far more than the kernel buffers of both ends hold.
    const frame = new Uint8Array(1 << 20)
    for (let i = 0; i < 64; i++) server.connection.sendFrame(frame)
    expect(server.connection.queuedBytes()).toBeGreaterThan(16 << 20)
    client.socket.terminate()
  })
})

describe('received bytes', () => {
  test('are counted at both ends before a message is complete', async () => {
    const { server, client } = await connectPair()
    const message = encodeMessage(examples.heartbeat)
    for (const [from, near, far] of [
      ['client', client, server],
      ['server', server, client],
    ] as const) {
      const frame = webSocketFrame(message, from)
      const before = far.connection.receivedBytes()
      for (const [start, end] of [
        [0, 3],
        [3, 40],
        [40, frame.length],
      ]) {
        expect(far.received).toEqual([])
        near.transport().write(frame.subarray(start, end))
        await expect.poll(() => far.connection.receivedBytes(), { interval: 1 }).toBe(before + end!)
      }
      expect((await far.next()).message).toEqual(examples.heartbeat)
    }
  })

  test('remain counted after the connection has ended', async () => {
    const { server, client } = await connectPair()
    client.connection.send(examples.heartbeat)
    await server.next()
    const before = server.connection.receivedBytes()
    client.connection.close(bye)
    await Promise.all([server.closed, client.closed])
    expect(server.connection.receivedBytes()).toBeGreaterThan(before)
    expect(client.connection.receivedBytes()).toBeGreaterThan(0)
  })

  test('are 0 before there is a connection', async () => {
    const { url } = await listen()
    const end = createEnd(openWebSocket(url, 5000))
    expect(end.connection.receivedBytes()).toBe(0)
    end.connection.terminate()
    await end.closed
  })
})

describe('invalid bytes', () => {
  test('in a text message are answered with a refusal and close the connection', async () => {
    const { server, client } = await connectPair()
    client.socket.send('hello')
    expect((await client.next()).message).toEqual({ type: 'bye', code: 'refused', reason: 'a text message' })
    expect(await server.closed).toMatchObject({ code: 'frame-malformed' })
    expect(await client.closed).toBeNull()
  })

  test('are reported by the first fault, whatever follows', async () => {
    const { server, client } = await connectPair()
    client.connection.sendFrame(Buffer.of(0))
    client.socket.send('hello')
    expect(await server.closed).toMatchObject({ message: 'a frame is shorter than its prefix' })
  })

  test('in a malformed frame are answered with a refusal, and later frames are ignored', async () => {
    const { server, client } = await connectPair()
    const frame = encodeMessage(examples.heartbeat)
    client.connection.sendFrame(Buffer.concat([frame, Buffer.of(0)]))
    client.connection.sendFrame(frame)
    expect((await client.next()).message).toMatchObject({ type: 'bye', code: 'refused' })
    expect(await server.closed).toMatchObject({ code: 'frame-malformed' })
    expect(server.received).toEqual([])
  })

  test('in a hello with a header above 64 KiB are refused by their length', async () => {
    const { server, client } = await connectPair()
    client.connection.send({ ...examples.hello, token: 'x'.repeat(65_536) })
    expect((await client.next()).message).toMatchObject({ type: 'bye', reason: 'a frame header is too long' })
    expect(await server.closed).toMatchObject({ code: 'frame-malformed', expected: '≤ 65536 bytes' })
  })

  test('of tensors whose sizes are not known yet close the connection', async () => {
    const { server, client } = await connectPair()
    client.connection.send(examples.gradient, exampleTensors.gradient)
    expect(await server.closed).toMatchObject({ code: 'message-invalid' })
  })

  test('above the size limit close the connection unread', async () => {
    const { server, client } = await connectPair()
    client.socket.send(new Uint8Array((1 << 20) + 1))
    expect(await server.closed).toMatchObject({ code: 'connection-failed' })
    expect(server.received).toEqual([])
    await client.closed
  })
})

describe('connecting', () => {
  test('to a port at which nothing listens fails with the reason', async () => {
    const { port, free } = await freePort()
    await free()
    const end = createEnd(openWebSocket(`ws://127.0.0.1:${port}`, 5000))
    const error = await end.closed
    expect(error).toMatchObject({ code: 'connection-failed', message: expect.stringContaining('ECONNREFUSED') })
  })

  test('to a host with several addresses, none of which answers, fails with all reasons', async () => {
    const end = createEnd(openWebSocket('ws://127.0.0.1:1', 1000))
    end.socket.emit('error', new AggregateError([new Error('the first'), new Error('the second')]))
    expect(await end.closed).toMatchObject({ code: 'connection-failed', message: 'the first; the second' })
  })

  test('to a server that never answers fails after the timeout', async () => {
    const { port } = await freePort()
    const end = createEnd(openWebSocket(`ws://127.0.0.1:${port}`, 50))
    const error = await end.closed
    expect(error).toMatchObject({ code: 'connection-failed', message: expect.stringContaining('timed out') })
  })

  test('can be cancelled before it has succeeded', async () => {
    const { url } = await listen()
    const end = createEnd(openWebSocket(url, 5000))
    expect(end.socket.readyState).toBe(WebSocket.CONNECTING)
    end.connection.close(bye)
    expect(await end.closed).toMatchObject({ code: 'connection-failed' })
  })
})

/** A port on which a server accepts connections and sends nothing, until it is freed. */
async function freePort(): Promise<{ readonly port: number; readonly free: () => Promise<void> }> {
  const server = createServer(socket => void socket.resume())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const free = () => new Promise<void>(resolve => void server.close(() => resolve()))
  onTestFinished(free)
  return { port: (server.address() as AddressInfo).port, free }
}
