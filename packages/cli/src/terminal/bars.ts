import { MultiBar, type Params, type SingleBar } from 'cli-progress'

/** Draws a line in at most `width` columns, without colours. */
export type DrawLine = (width: number) => string

export type Bars = {
  /** Draws the line with this name; a new name gets a line below the others. */
  readonly show: (name: string, draw: DrawLine) => void
  /** Writes a permanent line above the others. */
  readonly line: (text: string) => void
  readonly stop: () => void
}

export type BarsOptions = {
  /** Whether the last drawing stays on the terminal after `stop`. */
  readonly keepOnStop: boolean
}

const redrawsPerSecond = 10

/** Creates lines on a terminal that are redrawn in place, at most ten times a second. */
export function createBars(stream: NodeJS.WriteStream, options: BarsOptions): Bars {
  let bars: MultiBar | undefined
  const byName = new Map<string, SingleBar>()

  return {
    show(name, draw) {
      bars ??= openBars(stream, options)
      const known = byName.get(name)
      if (known !== undefined) known.update({ draw })
      else byName.set(name, bars.create(1, 0, { draw }))
    },
    line(text) {
      if (bars === undefined) {
        stream.write(`${text}\n`)
        return
      }
      bars.log(`${text}\n`)
      bars.update()
    },
    stop() {
      bars?.stop()
      bars = undefined
      byName.clear()
    },
  }
}

/** Draws a bar of `cells` columns, filled to a fraction between 0 and 1. */
export function drawBar(fraction: number, cells: number): string {
  const filled = Math.round(Math.min(Math.max(fraction, 0), 1) * cells)
  return '█'.repeat(filled) + '░'.repeat(cells - filled)
}

function openBars(stream: NodeJS.WriteStream, options: BarsOptions): MultiBar {
  return new MultiBar({
    stream,
    fps: redrawsPerSecond,
    format: (_options: unknown, params: Params, payload: { readonly draw: DrawLine }) =>
      // On some terminals, a line as wide as the terminal would wrap.
      payload.draw(params.maxWidth - 1),
    clearOnComplete: !options.keepOnStop,
    // `true` keeps the terminal's line wrapping on: a killed process could not turn it on again.
    linewrap: true,
    // A permanent line overwrites the bar, which must be redrawn below it even if it has not changed.
    forceRedraw: true,
    gracefulExit: false,
  })
}
