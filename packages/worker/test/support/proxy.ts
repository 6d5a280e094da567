import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { later } from './clean-up.ts'

/** A way to a coordinator that can be shut, as when its machine or the network goes away. */
export type Proxy = {
  readonly url: string
  /** Cuts all connections and lets nobody in, until it is opened again. */
  readonly shut: () => Promise<void>
  readonly open: () => Promise<void>
}

export async function startProxy(target: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let server: Server | null = null
  let port = 0

  function forward(inbound: Socket): void {
    const outbound = connect(Number(new URL(target).port), '127.0.0.1')
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
      from.pipe(to)
    }
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
  return { url: `ws://127.0.0.1:${port}`, open, shut }
}
