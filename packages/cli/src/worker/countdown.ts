import { truncate } from '../terminal/style.ts'

/** A line that counts seconds down in place on a terminal; elsewhere it is written once. */
export type Countdown = {
  readonly start: (durationMs: number, text: (secondsLeft: number) => string) => void
  readonly stop: () => void
}

export function createCountdown(stream: NodeJS.WriteStream): Countdown {
  let timer: NodeJS.Timeout | undefined

  function stop(): void {
    if (timer === undefined) return
    clearInterval(timer)
    timer = undefined
    stream.write('\r\x1b[K')
  }

  function start(durationMs: number, text: (secondsLeft: number) => string): void {
    const endsAt = performance.now() + durationMs
    const seconds = () => Math.max(0, Math.ceil((endsAt - performance.now()) / 1000))
    if (!stream.isTTY) {
      stream.write(`${text(seconds())}\n`)
      return
    }
    const draw = () => stream.write(`\r\x1b[K${truncate(text(seconds()), stream.columns - 1)}`)
    draw()
    timer = setInterval(draw, 1000)
  }

  return { start, stop }
}
