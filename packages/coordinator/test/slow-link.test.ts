import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type Connection, encodeMessage, openWebSocket } from '@lockstep/protocol'
import { createHappenings, webSocketFrame } from '@lockstep/protocol/testing'
import { expect, onTestFinished, test } from 'vitest'
import { attachClient, startListener } from './support/listener.ts'
import { makeSelfSigned } from './support/self-signed.ts'
import { createTestMembership, gradient, gradientTensors, hello, ready, task } from './support/test-membership.ts'
import { tinySizes } from './support/tiny-sizes.ts'

const own = makeSelfSigned()
const ticks = 20

/** A worker that has joined over a real socket, in a membership whose clock the test moves. */
async function joinOver(tls: typeof own | null) {
  const base = createTestMembership()
  const ends = createHappenings<Connection>()
  const { listener } = await startListener({
    tls,
    onConnection: (address, connect) =>
      base.membership.accept(address, handlers => {
        const end = connect(handlers)
        ends.add(end)
        return end
      }),
  })
  const socket = openWebSocket(listener.url, 5000, tls === null ? undefined : { ca: tls.cert, anyName: true })
  onTestFinished(() => void socket.terminate())
  const client = attachClient(socket)
  const [response]: IncomingMessage[] = (await once(socket, 'upgrade')) as [IncomingMessage]
  client.connection.setSizes(tinySizes)
  client.connection.send(hello)
  await client.received.next()
  client.connection.send(ready)
  await client.received.next()
  return { ...base, end: await ends.next(), transport: response!.socket }
}

test.each([
  ['without TLS', null],
  ['with TLS', own],
])('a worker stays while its gradient is in transit for longer than the silence limit, %s', async (_, tls) => {
  const { membership, clock, end, transport, answers, reasons, pass } = await joinOver(tls)
  membership.assign(1, task)
  const frame = webSocketFrame(encodeMessage(gradient, gradientTensors), 'client')
  const before = end.receivedBytes()
  for (let tick = 1; tick <= ticks; tick++) {
    const cut = (part: number) => Math.floor((part * frame.length) / ticks)
    transport.write(frame.subarray(cut(tick - 1), cut(tick)))
    await expect.poll(() => end.receivedBytes(), { interval: 1 }).toBe(before + cut(tick))
    clock.nowMs += 400
    membership.tick()
    expect([reasons(), answers.length]).toEqual([[], tick < ticks ? 0 : 1])
  }
  pass(2000)
  expect(reasons()).toEqual(['worker-lost: silent for 2.0 s'])
})
