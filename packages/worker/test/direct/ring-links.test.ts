import { type AddressInfo, connect } from 'node:net'
import type { MessageOf } from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { formatGreeting } from '../../src/direct/greeting.ts'
import { openPeerListener } from '../../src/direct/peer-listener.ts'
import { linkRing } from '../../src/direct/ring-links.ts'

const token = 'ab'.repeat(32)

async function startListener() {
  const listener = await openPeerListener('127.0.0.1', 0)
  onTestFinished(listener.close)
  return listener
}

type Listener = Awaited<ReturnType<typeof startListener>>

function introduce(listeners: readonly Pick<Listener, 'port'>[]): MessageOf<'ring'> {
  const members = listeners.map(({ port }, index) => ({ workerId: index + 1, url: `ws://127.0.0.1:${port}` }))
  return { type: 'ring', runId: 'run-1', ring: 1, members, token }
}

function joinRing(listener: Listener, ring: MessageOf<'ring'>, workerId: number) {
  const linked = createHappenings<true>()
  const frames = createHappenings<{ from: number; text: string }>()
  const failures = createHappenings<string>()
  const links = linkRing({
    ring,
    workerId,
    listener,
    onLinked: () => linked.add(true),
    onFrame: (from, frame) => frames.add({ from, text: Buffer.from(frame).toString() }),
    onFailure: failures.add,
  })
  onTestFinished(links.close)
  return { links, linked, frames, failures }
}

const text = (value: string) => new Uint8Array(Buffer.from(value))

describe('the members of a ring', () => {
  test('link each to each by one connection and hear each other', async () => {
    const listeners = await Promise.all([startListener(), startListener(), startListener()])
    const ring = introduce(listeners)
    const members = listeners.map((listener, index) => joinRing(listener, ring, index + 1))
    for (const { linked } of members) await linked.next()
    for (const [from, { links }] of members.entries()) {
      for (const to of [0, 1, 2]) if (to !== from) links.send(to, text(`${from}>`), text(`${to}`))
    }
    for (const [at, { frames }] of members.entries()) {
      const heard = [await frames.next(), await frames.next()].sort((a, b) => a.from - b.from)
      expect(heard).toEqual([0, 1, 2].filter(from => from !== at).map(from => ({ from, text: `${from}>${at}` })))
    }
  })

  test('find each other when one hears of the ring later', async () => {
    const listeners = await Promise.all([startListener(), startListener()])
    const ring = introduce(listeners)
    const first = joinRing(listeners[0]!, ring, 1)
    await new Promise(resolve => setImmediate(resolve))
    const second = joinRing(listeners[1]!, ring, 2)
    await Promise.all([first.linked.next(), second.linked.next()])
  })

  test('are told when a link breaks', async () => {
    const listeners = await Promise.all([startListener(), startListener()])
    const ring = introduce(listeners)
    const [first, second] = [joinRing(listeners[0]!, ring, 1), joinRing(listeners[1]!, ring, 2)]
    await Promise.all([first.linked.next(), second.linked.next()])
    listeners[1]!.close()
    expect(await first.failures.next()).toMatch(/^worker 2 closed its link|the link to worker 2 failed/)
  })
})

describe('the port for other workers', () => {
  test('answers only who proves the token of a ring that is expected, and is not disturbed by others', async () => {
    const listeners = await Promise.all([startListener(), startListener()])
    const ring = introduce(listeners)
    const second = joinRing(listeners[1]!, ring, 2)
    const { port } = listeners[1]!
    const greet = (authorization?: string) => refusal(port, authorization)
    expect(await greet()).toBe(401)
    expect(await greet('Basic abc')).toBe(401)
    expect(await greet(formatGreeting({ ring: 1, from: 1, to: 2 }, 'cd'.repeat(32)))).toBe(401)
    expect(await greet(formatGreeting({ ring: 2, from: 1, to: 2 }, token))).toBe(401)
    expect(await greet(formatGreeting({ ring: 1, from: 3, to: 2 }, token))).toBe(401)
    expect(await answerTo(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/^HTTP\/1.1 426 /)
    expect(await answerTo(port, 'garbage\r\n\r\n')).toBe('')
    const first = joinRing(listeners[0]!, ring, 1)
    await Promise.all([first.linked.next(), second.linked.next()])
    // The same worker again, with the right proof: it has its link already.
    expect(await greet(formatGreeting({ ring: 1, from: 1, to: 2 }, token))).toBe(401)
    first.links.send(1, text('still'), text(' heard'))
    expect(await second.frames.next()).toEqual({ from: 0, text: 'still heard' })
  })

  test('is not believed when it cannot prove the token itself', async () => {
    const own = await startListener()
    const stranger = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => stranger.close())
    const hungUp = createHappenings<true>()
    stranger.on('connection', socket => socket.on('close', () => hungUp.add(true)))
    await new Promise(resolve => stranger.once('listening', resolve))
    const { port } = stranger.address() as AddressInfo
    const first = joinRing(own, introduce([own, { port }]), 1)
    await hungUp.next()
    await hungUp.next()
    expect(first.linked.all).toEqual([])
  })
})

function refusal(port: number, authorization?: string): Promise<number> {
  const headers = authorization === undefined ? {} : { authorization }
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers })
  return new Promise((resolve, reject) => {
    socket.on('error', () => undefined)
    socket.once('open', () => reject(new Error('it was let in')))
    socket.once('unexpected-response', (_, response) => {
      resolve(response.statusCode!)
      socket.terminate()
    })
  })
}

function answerTo(port: number, bytes: string): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setEncoding('utf8').on('data', data => {
      received += data
    })
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(received))
  })
}
