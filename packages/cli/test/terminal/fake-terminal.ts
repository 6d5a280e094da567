import { Writable } from 'node:stream'
import { Terminal } from '@xterm/headless'
import { vi } from 'vitest'

/** A stream that records what is written to it, as a file or a pipe would. */
export function createPlainStream(): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  let text = ''
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk)
      done()
    },
  })
  return { stream: sink as unknown as NodeJS.WriteStream, text: () => text }
}

/** A terminal emulator behind a TTY-like stream; `screen` is what a person would see. */
export function createFakeTerminal(columns: number) {
  const terminal = new Terminal({ cols: columns, rows: 24, convertEol: true, allowProposedApi: true })
  const recorded = createPlainStream()
  vi.stubEnv('TERM', 'xterm')
  Object.assign(recorded.stream, { isTTY: true, columns, rows: 24 })

  /** Restores the real timers, because the emulator parses on a timer. */
  async function screen(): Promise<string[]> {
    vi.useRealTimers()
    await new Promise<void>(done => terminal.write(recorded.text(), done))
    const buffer = terminal.buffer.active
    const lines = Array.from({ length: buffer.length }, (_, row) => buffer.getLine(row)?.translateToString(true) ?? '')
    const isWrapped = lines.some((_, row) => buffer.getLine(row)?.isWrapped)
    terminal.reset()
    return [...(isWrapped ? ['(a line wrapped)'] : []), ...lines.slice(0, lines.findLastIndex(line => line !== '') + 1)]
  }

  return { stream: recorded.stream, written: recorded.text, screen }
}
