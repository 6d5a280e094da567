import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openClient, startListener } from '../support/listener.ts'
import { createTestMembership, heartbeat, hello, mean, ready, update } from '../support/test-membership.ts'

/** More than the few MiB that the kernel's buffers hold at both ends. */
const mostBytes = 64 << 20

test('a worker that stops reading but still sends heartbeats is dropped before much is queued for it', async () => {
  const { membership, reasons, clock } = createTestMembership()
  const { listener } = await startListener({ onConnection: membership.accept })
  const { socket, connection, received } = await openClient(listener.url)
  connection.send(hello)
  await received.next()
  connection.send(ready)
  while (membership.active() === 0) await turn()
  const before = process.memoryUsage().arrayBuffers
  socket.pause()
  for (let sentBytes = 0; membership.active() > 0 && sentBytes < mostBytes; sentBytes += 1000 * mean.byteLength) {
    for (let count = 0; count < 1000; count++) membership.broadcast(update, mean)
    connection.send({ ...heartbeat, pending: 1 })
    await turn()
    clock.nowMs += 100
    membership.tick()
  }
  expect(reasons()).toEqual([
    expect.stringMatching(/^worker-lost: stopped reading: \d.* queued for it, and nothing read for \d/),
  ])
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(mostBytes)
})
