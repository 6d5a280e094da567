import type { PeerHandlers, PeerSocket } from '@lockstep/worker'
import { describe, expect, test } from 'vitest'
import { createChance } from '../../src/world/chance.ts'
import { createNetwork } from '../../src/world/network.ts'
import { createPeerPorts } from '../../src/world/peers.ts'
import { createStage } from './support.ts'

/** One end of a link, and what it has received. */
function createEnd() {
  const heard: string[] = []
  const bytes: Uint8Array[] = []
  const handlers: PeerHandlers & { readonly onOpen: () => void } = {
    onOpen: () => void heard.push('open'),
    onBytes: given => {
      heard.push(`${given}`)
      bytes.push(given)
    },
    onClose: reason => void heard.push(`closed: ${reason}`),
  }
  return { heard, bytes, handlers }
}

/** A link that `near` has dialled. */
async function link() {
  const stage = createStage()
  const network = createNetwork(stage.time, createChance(1, 'network'), { leastMs: 1, mostMs: 5 })
  const peersOf = createPeerPorts(network)
  const [caller, listener] = [stage.enter('near'), stage.enter('far')]
  const [near, far] = [createEnd(), createEnd()]
  let farSocket: PeerSocket | null = null
  const server = await peersOf(listener).listen('far', 0, socket => {
    farSocket = socket
    return far.handlers
  })
  const nearSocket = peersOf(caller).dial('far', server.port, near.handlers)
  await stage.play()
  return { ...stage, near, far, server, nearSocket, farSocket: farSocket! as PeerSocket, peers: peersOf(caller) }
}

describe('a link between simulated workers', () => {
  test('carries bytes both ways in memory that is reused at once', async () => {
    const { near, far, nearSocket, farSocket, play } = await link()
    nearSocket.write(Uint8Array.of(1))
    farSocket.write(Uint8Array.of(3))
    await play()
    expect([near.heard, far.heard]).toEqual([['open', '3'], ['1']])
    expect([...near.bytes, ...far.bytes].map(String)).toEqual(['165', '165'])
  })

  test('notifies one end that the other has cut it off, and then carries nothing', async () => {
    const { near, far, nearSocket, farSocket, play } = await link()
    farSocket.destroy()
    await play()
    let sent = 0
    for (const socket of [nearSocket, farSocket]) socket.write(Uint8Array.of(1), () => sent++)
    await play()
    expect([near.heard, far.heard, sent]).toEqual([['open', 'closed: read ECONNRESET'], [], 2])
  })

  test('ends when its server closes, and is refused without a server', async () => {
    const { near, server, peers, play } = await link()
    server.close()
    await play()
    expect(near.heard).toEqual(['open', 'closed: read ECONNRESET'])
    const late = createEnd()
    peers.dial('far', server.port, late.handlers)
    await play()
    expect(late.heard).toEqual(['closed: connect ECONNREFUSED'])
  })
})
