import type { Clock } from '@lockstep/protocol'
import { createLineReader, formatGreeting, type Greeting, isProof, parseGreeting } from './greeting.ts'
import type { PeerHandlers, PeerNetwork, PeerSocket } from './peer-network.ts'

/** `onBytes` gets what follows the greetings; `onClose` is called when an established link ends. */
export type PeerCall = PeerHandlers & {
  readonly network: PeerNetwork
  readonly clock: Clock
  readonly host: string
  readonly port: number
  readonly greeting: Greeting
  readonly token: string
  readonly timeoutMs: number
  /** Cancels the call. */
  readonly signal: AbortSignal
}

/**
 * Dials another worker to get the pieces that it has for this one. Resolves when both have proved the token of their
 * group; with null when nobody or a stranger answers, or the call is cancelled.
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
