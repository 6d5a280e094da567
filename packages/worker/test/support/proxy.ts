import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { later } from './clean-up.ts'

/** A proxy to a coordinator that can be shut, as when its machine or the network fails. */
export type Proxy = {
  readonly url: string
  /** Cuts all connections and accepts no new ones until it is opened again. */
  readonly shut: () => Promise<void>
  readonly open: () => Promise<void>
  /** Passes nothing on, without notice to either end, until it flows again. */
  readonly stall: () => void
  readonly flow: () => void
  /** Cuts all connections after this many more bytes from the coordinator. */
  readonly cutAfter: (bytes: number) => void
}

export async function startProxy(target: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let server: Server | null = null
  let port = 0
  let bytesLeft = Number.POSITIVE_INFINITY

  function forward(inbound: Socket): void {
    const outbound = connect(Number(new URL(target).port), '127.0.0.1')
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
      from.on('data', bytes => pass(bytes, to, to === inbound))
    }
  }

  function pass(bytes: Buffer, to: Socket, isFromCoordinator: boolean): void {
    if (!isFromCoordinator) return void to.write(bytes)
    to.write(bytes.subarray(0, bytesLeft))
    bytesLeft -= bytes.length
    if (bytesLeft > 0) return
    bytesLeft = Number.POSITIVE_INFINITY
    to.end(() => {
      for (const socket of sockets) socket.destroy()
    })
  }

  async function open(): Promise<void> {
    const opened = createServer(forward)
    await new Promise<void>(resolve => opened.listen(port, '127.0.0.1', resolve))
    server = opened
    port = (opened.address() as AddressInfo).port
  }

  async function shut(): Promise<void> {
    const closing = server
    server = null
    for (const socket of sockets) socket.destroy()
    if (closing !== null) await new Promise(resolve => closing.close(resolve))
  }

  await open()
  later(shut)
  return {
    url: `ws://127.0.0.1:${port}`,
    open,
    shut,
    stall: () => sockets.forEach(socket => void socket.pause()),
    flow: () => sockets.forEach(socket => void socket.resume()),
    cutAfter: bytes => {
      bytesLeft = bytes
    },
  }
}
