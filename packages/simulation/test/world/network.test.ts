import { describe, expect, test } from 'vitest'
import { createChance } from '../../src/world/chance.ts'
import { createNetwork, type Socket, type SocketHandlers } from '../../src/world/network.ts'
import { createStage } from './support.ts'

/** One end of a connection, and what it has received. */
function createEnd() {
  const heard: string[] = []
  const bytes: number[] = []
  const handlers: SocketHandlers = {
    onOpen: () => void heard.push('open'),
    onData: data => void bytes.push(...data),
    onEnd: () => void heard.push('end'),
    onReset: reason => void heard.push(reason),
  }
  return { heard, bytes, handlers }
}

/** A connection from `near` to `far`. */
async function connect(seed = 1) {
  const stage = createStage()
  const network = createNetwork(stage.time, createChance(seed, 'network'), { leastMs: 1, mostMs: 5 })
  const [near, far] = [createEnd(), createEnd()]
  const [caller, listener] = [stage.enter('near'), stage.enter('far')]
  let farSocket: Socket | null = null
  network.listen(listener, 1, ({ accept }) => {
    farSocket = accept(far.handlers)
  })
  const nearSocket = network.dial(caller, 'far:1', near.handlers)
  await stage.play()
  return { ...stage, network, near, far, caller, listener, nearSocket, farSocket: farSocket! as Socket }
}

const numbers = Array.from({ length: 200 }, (_, index) => index)

function sendNumbers(socket: Socket): void {
  for (let at = 0; at < numbers.length; at += 10) socket.write(Uint8Array.from(numbers.slice(at, at + 10)))
}

describe('a connection', () => {
  test('carries bytes both ways, in order, and ends after them', async () => {
    const { near, far, nearSocket, farSocket, play } = await connect()
    sendNumbers(nearSocket)
    sendNumbers(farSocket)
    nearSocket.end()
    await play()
    expect(near).toMatchObject({ heard: ['open'], bytes: numbers })
    expect(far).toMatchObject({ heard: ['end'], bytes: numbers })
    expect([nearSocket.queuedBytes(), farSocket.receivedBytes()]).toEqual([0, 200])
  })

  test('is refused at a port without a listener', async () => {
    const { network, caller, play } = await connect()
    const end = createEnd()
    network.dial(caller, 'far:2', end.handlers)
    await play()
    expect(end.heard).toEqual(['connect ECONNREFUSED'])
  })

  test.each([
    [true, true],
    [true, false],
    [false, false],
  ])('that is cut delivers a prefix of the bytes (near notified: %s, far: %s)', async (nearTold, farTold) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { network, near, far, nearSocket, play } = await connect(seed)
      sendNumbers(nearSocket)
      network.connections()[0]!.cut([nearTold, farTold])
      await play()
      expect(far.bytes).toEqual(numbers.slice(0, far.bytes.length))
      expect(near.heard.slice(1)).toEqual(nearTold ? ['read ECONNRESET'] : [])
      expect(far.heard).toEqual(farTold ? ['read ECONNRESET'] : [])
    }
  })

  test('waits while the path between its machines is blocked, then continues', async () => {
    const { network, far, nearSocket, play } = await connect()
    network.block('near', 'far')
    sendNumbers(nearSocket)
    await play()
    expect([far.bytes.length, nearSocket.queuedBytes()]).toEqual([0, 200])
    network.unblock('near', 'far')
    await play()
    expect(far.bytes).toEqual(numbers)
  })

  test('reads bytes from the memory of their sender until they have arrived or the sender has ended', async () => {
    for (const done of [false, true]) {
      const { far, nearSocket, caller, play } = await connect()
      const memory = Uint8Array.of(1, 2, 3)
      let sent = 0
      nearSocket.write(memory, () => sent++)
      if (done) caller.end('exit')
      memory.fill(9)
      await play()
      expect([far.bytes, sent]).toEqual(done ? [[1, 2, 3], 0] : [[9, 9, 9], 1])
    }
  })

  test('is slow in both directions on a slow path', async () => {
    const { network, time, nearSocket, farSocket, near, far, play } = await connect()
    network.slowPath('far', 'near', 1000)
    network.slowPath('far', 'elsewhere', 50_000)
    for (const socket of [nearSocket, farSocket]) socket.write(Uint8Array.of(1))
    await play()
    expect([near.bytes, far.bytes]).toEqual([[1], [1]])
    expect(Math.floor(time.nowMs() / 1000)).toBe(1)
  })

  test('is closed when its program is killed, but not when its machine loses power', async () => {
    const killed = await connect()
    killed.listener.end('kill')
    await killed.play()
    expect(killed.near.heard).toHaveLength(2)
    const dark = await connect()
    dark.listener.end('power-loss')
    sendNumbers(dark.nearSocket)
    await dark.play()
    expect(dark.near.heard).toEqual(['open'])
    dark.network.boot('far')
    sendNumbers(dark.nearSocket)
    await dark.play()
    expect(dark.near.heard).toEqual(['open', 'read ECONNRESET'])
  })
})
