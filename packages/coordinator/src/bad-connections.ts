import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

type OnBadConnection = (address: string, reason: string) => void

/** Reports peers that send no WebSocket handshake, and closes their connections. */
export function reportBadHandshakes(server: Server, onBadConnection: OnBadConnection): void {
  server.on('clientError', (error: Error & { reason?: string }, socket: Duplex & Partial<Socket>) => {
    // Under TLS the address is unknown once the peer has hung up. `reportHangUps` reports that case.
    if (socket.remoteAddress !== undefined) {
      // OpenSSL's `reason` is the short form of its message.
      onBadConnection(addressOf(socket), `not a WebSocket handshake (${error.reason ?? error.message})`)
    }
    socket.destroy()
  })
}

/** Reports peers that hang up during the TLS handshake, as those do that do not trust the certificate. */
export function reportHangUps(server: Server, onBadConnection: OnBadConnection): void {
  const shaking = new Set<string>()
  server.on('connection', (transport: Socket) => {
    const address = addressOf(transport)
    shaking.add(address)
    transport.once('close', () => {
      if (shaking.delete(address))
        onBadConnection(address, 'it hung up within the TLS handshake; does it trust the certificate?')
    })
  })
  server.on('secureConnection', (socket: TLSSocket) => shaking.delete(addressOf(socket)))
  server.prependListener('clientError', (_, socket: Duplex & Partial<Socket>) => shaking.delete(addressOf(socket)))
}

export function addressOf({ remoteAddress, remotePort }: Partial<Socket>): string {
  return `${remoteAddress}:${remotePort}`
}
