import { connect, type Socket } from 'node:net'
import { createLineReader, formatGreeting, type Greeting, isProof, parseGreeting } from './greeting.ts'

/** What is read at once, into memory that is used again and again. */
const readBytes = 256 << 10

export type DialOptions = {
  readonly host: string
  readonly port: number
  readonly greeting: Greeting
  readonly token: string
  readonly timeoutMs: number
  /** Called with what comes after the greetings; the bytes are valid only during the call. */
  readonly onBytes: (bytes: Uint8Array) => void
}

/**
 * Calls another worker for the pieces that it has for this one. Resolves when both have proved the token of their ring,
 * with null when nobody answers there, or not who should.
 */
export function dialPeer({ host, port, greeting, token, timeoutMs, onBytes }: DialOptions): Promise<Socket | null> {
  return new Promise(resolve => {
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    const reader = createLineReader()
    let take = takeGreeting
    const onread = {
      buffer,
      callback: (bytes: number) => {
        take(buffer.subarray(0, bytes))
        return true
      },
    }
    const socket = connect({ host, port, noDelay: true, onread }, () => socket.write(formatGreeting(greeting, token)))
    const giveUp = () => {
      socket.destroy()
      resolve(null)
    }
    socket.setTimeout(timeoutMs, giveUp)
    socket.once('error', giveUp)
    socket.once('close', giveUp)

    function takeGreeting(bytes: Uint8Array): void {
      try {
        const { line, rest } = reader.feed(bytes) ?? {}
        if (line === undefined || rest === undefined) return
        if (!isAnswer(line)) return giveUp()
        socket.setTimeout(0)
        socket.off('error', giveUp).off('close', giveUp)
        take = onBytes
        resolve(socket)
        if (rest.length > 0) onBytes(rest)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        giveUp()
      }
    }

    function isAnswer(line: string): boolean {
      const { ring, from, to } = greeting
      return isProof(parseGreeting(line)?.proof ?? '', { ring, from: to, to: from }, token)
    }
  })
}
