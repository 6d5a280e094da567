import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Clock, type MessageOf, systemClock } from '@lockstep/protocol'
import { createHappenings } from '@lockstep/protocol/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { formatGreeting } from '../../src/direct/greeting.ts'
import { linkGroup } from '../../src/direct/group-links.ts'
import { openPeerListener } from '../../src/direct/peer-listener.ts'
import { encodePieceHeader } from '../../src/direct/piece-frame.ts'
import type { PieceSink } from '../../src/direct/piece-stream.ts'
import { systemWorld } from '../../src/world.ts'

const token = 'ab'.repeat(32)

async function startListener() {
  const listener = await openPeerListener('127.0.0.1', 0, systemWorld)
  onTestFinished(listener.close)
  return listener
}

type Listener = Awaited<ReturnType<typeof startListener>>

function introduce(listeners: readonly Pick<Listener, 'port'>[]): MessageOf<'group'> {
  const members = listeners.map(({ port }, index) => ({ workerId: index + 1, url: `tcp://127.0.0.1:${port}` }))
  return { type: 'group', runId: 'run-1', group: 1, members, token }
}

function joinGroup(listener: Listener, group: MessageOf<'group'>, workerId: number, clock: Clock = systemClock) {
  const linked = createHappenings<true>()
  const frames = createHappenings<{ from: number; text: string }>()
  const failures = createHappenings<string>()
  const links = linkGroup({
    group,
    workerId,
    listener,
    world: { ...systemWorld, clock },
    onLinked: () => linked.add(true),
    sinkFor: from => collectTexts(text => frames.add({ from, text })),
    onFailure: failures.add,
  })
  onTestFinished(links.close)
  return { links, linked, frames, failures }
}

/** Reads the elements of pieces as texts. */
function collectTexts(onText: (text: string) => void): PieceSink {
  let place = Buffer.alloc(0)
  return {
    begin: ({ payloadBytes }) => {
      place = Buffer.alloc(payloadBytes)
      return place
    },
    end: () => onText(place.toString()),
  }
}

function headerOf(bytes: Uint8Array): Uint8Array {
  const figures = { step: 0, piece: 0, shard: 0, count: 1, total: 1, correct: 0, lossSum: 0, learningRate: 0 }
  return encodePieceHeader({ kind: 'part', payloadBytes: bytes.byteLength, ...figures })
}

function sendText({ links }: ReturnType<typeof joinGroup>, to: number, text: string): void {
  const bytes = Buffer.from(text)
  links.send(to, headerOf(bytes), bytes)
}

describe('the members of a group', () => {
  test('link to each other and exchange messages', async () => {
    const listeners = await Promise.all([startListener(), startListener(), startListener()])
    const group = introduce(listeners)
    const members = listeners.map((listener, index) => joinGroup(listener, group, index + 1))
    for (const { linked } of members) await linked.next()
    for (const [from, member] of members.entries()) {
      for (const to of [0, 1, 2]) if (to !== from) sendText(member, to, `${from}>${to}`)
    }
    for (const [at, { frames }] of members.entries()) {
      const heard = [await frames.next(), await frames.next()].sort((a, b) => a.from - b.from)
      expect(heard).toEqual([0, 1, 2].filter(from => from !== at).map(from => ({ from, text: `${from}>${at}` })))
    }
  })

  test('link when one of them learns of the group later', async () => {
    const listeners = await Promise.all([startListener(), startListener()])
    const group = introduce(listeners)
    const first = joinGroup(listeners[0]!, group, 1)
    await new Promise(resolve => setImmediate(resolve))
    const second = joinGroup(listeners[1]!, group, 2)
    await Promise.all([first.linked.next(), second.linked.next()])
  })

  test('are notified when a link breaks', async () => {
    const listeners = await Promise.all([startListener(), startListener()])
    const group = introduce(listeners)
    const [first, second] = [joinGroup(listeners[0]!, group, 1), joinGroup(listeners[1]!, group, 2)]
    await Promise.all([first.linked.next(), second.linked.next()])
    listeners[1]!.close()
    expect(await first.failures.next()).toMatch(/^worker 2 closed a link|^a link with worker 2 failed/)
  })
})

/** Listens in place of another member. */
async function startStranger(onCall: (socket: Socket) => void): Promise<AddressInfo> {
  const server = createServer(socket => {
    // The connection may be cut off.
    socket.on('error', () => undefined)
    onCall(socket)
  })
  onTestFinished(() => void server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address() as AddressInfo
}

test('unanswered calls end when the links are closed', async () => {
  const own = await startListener()
  const called = createHappenings<{ readonly ended: Promise<unknown> }>()
  const silent = await startStranger(socket => {
    socket.resume()
    called.add({ ended: new Promise(resolve => socket.once('close', resolve)) })
  })
  const { links } = joinGroup(own, introduce([own, silent]), 1)
  const { ended } = await called.next()
  links.close()
  await ended
})

test('an unanswered call is repeated after ten seconds', async () => {
  const own = await startListener()
  const called = createHappenings<true>()
  const silent = await startStranger(socket => {
    socket.resume()
    called.add(true)
  })
  // A clock on which ten seconds pass at once.
  const after: Clock['after'] = (delayMs, action) => systemClock.after(delayMs === 10_000 ? 0 : delayMs, action)
  joinGroup(own, introduce([own, silent]), 1, { ...systemClock, after })
  await called.next()
  await called.next()
})

test('a message that arrives together with an answer is received', async () => {
  const own = await startListener()
  const bytes = Buffer.from('at once')
  const answer = Buffer.from(formatGreeting({ group: 1, from: 2, to: 1 }, token))
  const eager = await startStranger(socket => {
    socket.once('data', () => socket.write(Buffer.concat([answer, headerOf(bytes), bytes])))
  })
  const { frames } = joinGroup(own, introduce([own, eager]), 1)
  expect(await frames.next()).toEqual({ from: 1, text: 'at once' })
})

describe('the port for other workers', () => {
  test('answers only a member that proves the token of an expected group, and is not disturbed by others', async () => {
    const listeners = await Promise.all([startListener(), startListener()])
    const group = introduce(listeners)
    const second = joinGroup(listeners[1]!, group, 2)
    const { port } = listeners[1]!
    const greetings = [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      `${'x'.repeat(1000)}`,
      formatGreeting({ group: 1, from: 1, to: 2 }, 'cd'.repeat(32)),
      formatGreeting({ group: 2, from: 1, to: 2 }, token),
      formatGreeting({ group: 1, from: 3, to: 2 }, token),
      `${formatGreeting({ group: 1, from: 1, to: 2 }, token)}and more`,
    ]
    for (const greeting of greetings) expect(await answerTo(port, greeting)).toBe('')
    const first = joinGroup(listeners[0]!, group, 1)
    await Promise.all([first.linked.next(), second.linked.next()])
    // The same worker again, with the right proof: it has its link already.
    expect(await answerTo(port, formatGreeting({ group: 1, from: 1, to: 2 }, token))).toBe('')
    sendText(first, 1, 'still heard')
    expect(await second.frames.next()).toEqual({ from: 0, text: 'still heard' })
  })

  test('is not trusted if it cannot prove the token itself', async () => {
    const own = await startListener()
    const calls = createHappenings<string>()
    const stranger = await startStranger(socket => {
      socket.setEncoding('latin1').on('data', line => {
        calls.add(String(line))
        // An echo of the greeting is not a proof.
        socket.write(line)
      })
    })
    const first = joinGroup(own, introduce([own, stranger]), 1)
    for (const call of [await calls.next(), await calls.next()]) expect(call).toMatch(/^Lockstep 1 1 2 [0-9a-f]{64}\n$/)
    expect(first.linked.all).toEqual([])
  })
})

/** What the listener sends before the connection ends. */
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
