import { MultiBar, type Params, type SingleBar } from 'cli-progress'

export type Bars<State> = {
  /** Shows the state on the line of this name; a new name gets a line below the others. */
  readonly show: (name: string, state: State) => void
  /** Writes a permanent line above the bars. */
  readonly line: (text: string) => void
  readonly stop: () => void
}

export type BarsOptions<State> = {
  /** The line for a state, in at most `width` columns and without colours. */
  readonly draw: (state: State, width: number) => string
  /** Whether the last drawing stays on the terminal after `stop`. */
  readonly keepOnStop: boolean
}

const redrawsPerSecond = 10

/** Lines on a terminal that are redrawn in place, at most ten times a second. */
export function createBars<State>(stream: NodeJS.WriteStream, options: BarsOptions<State>): Bars<State> {
  let bars: MultiBar | undefined
  const byName = new Map<string, SingleBar>()

  function open(): MultiBar {
    return new MultiBar({
      stream,
      fps: redrawsPerSecond,
      format: (_options: unknown, params: Params, payload: { readonly state: State }) =>
        // A line as wide as the terminal would wrap on some of them.
        options.draw(payload.state, params.maxWidth - 1),
      clearOnComplete: !options.keepOnStop,
      // `true` leaves the terminal's own line wrapping alone: a killed process could not turn it on again.
      linewrap: true,
      // A written line takes the place of an unchanged bar, which has to be drawn again below it.
      forceRedraw: true,
      gracefulExit: false,
    })
  }

  return {
    show(name, state) {
      bars ??= open()
      const known = byName.get(name)
      if (known !== undefined) known.update({ state })
      else byName.set(name, bars.create(1, 0, { state }))
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
