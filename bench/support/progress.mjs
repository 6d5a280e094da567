// A line with the progress of a long benchmark.

const cells = 24
const plainEveryMs = 10_000

/** Draws in place on a terminal; elsewhere writes a line about every 10 s. */
export function createProgress() {
  const stream = process.stderr
  let writtenAtMs = Number.NEGATIVE_INFINITY
  return {
    /** Shows the elapsed and the total time, in seconds, and a text. */
    show: (passed, all, text) => {
      const left = Math.max(0, all - passed)
      const line = `${drawBar(passed / all)} ${formatTime(left)} left  ${text}`
      if (stream.isTTY) return stream.write(`\r\x1b[K${line.slice(0, stream.columns - 1)}`)
      if (performance.now() - writtenAtMs < plainEveryMs) return
      writtenAtMs = performance.now()
      stream.write(`${line}\n`)
    },
    /** Writes a permanent line. */
    say: text => stream.write(stream.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`),
    stop: () => {
      if (stream.isTTY) stream.write('\r\x1b[K')
    },
  }
}

function drawBar(fraction) {
  const full = Math.round(cells * Math.min(1, fraction))
  return `[${'='.repeat(full)}${' '.repeat(cells - full)}]`
}

function formatTime(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`
}
