import type { Clock } from '@lockstep/protocol'
import { createLineReader, formatGreeting, type Greeting, isProof, parseGreeting } from './greeting.ts'
import type { PeerHandlers, PeerNetwork, PeerSocket } from './peer-network.ts'

/** `onBytes` gets what comes after the greetings, `onClose` hears of the end of a link that was made. */
export type PeerCall = PeerHandlers & {
  readonly network: PeerNetwork
  readonly clock: Clock
  readonly host: string
  readonly port: number
  readonly greeting: Greeting
  readonly token: string
  readonly timeoutMs: number
  /** Gives the call up. */
  readonly signal: AbortSignal
}

/**
 * Calls another worker for the pieces that it has for this one. Resolves when both have proved the token of their group,
 * with null when nobody answers there, or not who should, or the call is given up.
 */
export function dialPeer(call: PeerCall): Promise<PeerSocket | null> {
  const { network, clock, host, port, greeting, token, signal } = call
  return new Promise(resolve => {
    const reader = createLineReader()
    let take = takeGreeting
    let end: PeerHandlers['onClose'] = giveUp
    const socket = network.dial(host, port, {
      onOpen: () => socket.write(Buffer.from(formatGreeting(greeting, token))),
      onBytes: bytes => take(bytes),
      onClose: reason => end(reason),
    })
    const stopClock = clock.after(call.timeoutMs, giveUp)
    signal.addEventListener('abort', giveUp)

    function stopWaiting(): void {
      stopClock()
      signal.removeEventListener('abort', giveUp)
    }

    function giveUp(): void {
      stopWaiting()
      socket.destroy()
      resolve(null)
    }

    function takeGreeting(bytes: Uint8Array): void {
      try {
        const { line, rest } = reader.feed(bytes) ?? {}
        if (line === undefined || rest === undefined) return
        if (!isAnswer(line)) return giveUp()
        stopWaiting()
        take = call.onBytes
        end = call.onClose
        resolve(socket)
        if (rest.length > 0) call.onBytes(rest)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        giveUp()
      }
    }

    function isAnswer(line: string): boolean {
      const { group, from, to } = greeting
      return isProof(parseGreeting(line)?.proof ?? '', { group, from: to, to: from }, token)
    }
  })
}
