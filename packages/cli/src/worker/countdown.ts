import { canRedraw } from '../terminal/can-redraw.ts'
import { formatDuration } from '../terminal/format.ts'
import { truncate } from '../terminal/style.ts'

/** A line that counts down seconds (tenths below one second) in place on a terminal; elsewhere it is written once. */
export type Countdown = {
  readonly start: (durationMs: number, text: (left: string) => string) => void
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

  function start(durationMs: number, text: (left: string) => string): void {
    const endsAt = performance.now() + durationMs
    const unitMs = durationMs < 1000 ? 100 : 1000
    const left = () => formatDuration((Math.ceil(Math.max(0, endsAt - performance.now()) / unitMs) * unitMs) / 1000)
    if (!canRedraw(stream)) {
      stream.write(`${text(left())}\n`)
      return
    }
    const draw = () => stream.write(`\r\x1b[K${truncate(text(left()), stream.columns - 1)}`)
    draw()
    timer = setInterval(draw, 1000)
  }

  return { start, stop }
}
