import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

type OnGarbage = (address: string, reason: string) => void

/** Tells of peers that send no WebSocket handshake, and hangs up on them. */
export function reportGarbage(server: Server, onGarbage: OnGarbage): void {
  server.on('clientError', (error: Error & { reason?: string }, socket: Duplex & Partial<Socket>) => {
    // Under TLS the address is gone when the peer has hung up; then `reportHangUps` tells.
    if (socket.remoteAddress !== undefined) {
      // What OpenSSL says at length it says in short as well.
      onGarbage(addressOf(socket), `not a WebSocket handshake (${error.reason ?? error.message})`)
    }
    socket.destroy()
  })
}

/** Tells of peers that hang up within the TLS handshake, as those do that do not trust the certificate. */
export function reportHangUps(server: Server, onGarbage: OnGarbage): void {
  const shaking = new Set<string>()
  server.on('connection', (transport: Socket) => {
    const address = addressOf(transport)
    shaking.add(address)
    transport.once('close', () => {
      if (shaking.delete(address))
        onGarbage(address, 'it hung up within the TLS handshake; does it trust the certificate?')
    })
  })
  server.on('secureConnection', (socket: TLSSocket) => shaking.delete(addressOf(socket)))
  server.prependListener('clientError', (_, socket: Duplex & Partial<Socket>) => shaking.delete(addressOf(socket)))
}

export function addressOf({ remoteAddress, remotePort }: Partial<Socket>): string {
  return `${remoteAddress}:${remotePort}`
}
