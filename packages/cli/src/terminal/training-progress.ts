import { createBars, drawBar } from './bars.ts'
import { canRedraw } from './can-redraw.ts'
import { formatCount, formatDuration } from './format.ts'
import { truncate } from './style.ts'

export type TrainingState = {
  readonly epoch: number
  readonly epochs: number
  /** Number of finished steps in this epoch (or chunks, during evaluation); `steps` is the total. */
  readonly step: number
  readonly steps: number
  /** Means over the epoch so far; null before the first step. */
  readonly loss: number | null
  readonly accuracy: number | null
  readonly imagesPerSecond: number | null
  /** Seconds until the end of the run; null while unknown. */
  readonly secondsLeft: number | null
  readonly workersAlive: number
  readonly workersWanted: number
  /** With fewer workers the run waits. */
  readonly workersNeeded: number
  readonly phase: 'training' | 'validating' | 'testing' | 'waiting'
}

export type TrainingProgress = {
  readonly update: (state: TrainingState) => void
  /** Writes a permanent line, above the bar if there is one. */
  readonly line: (text: string) => void
  /** Removes the bar. */
  readonly stop: () => void
}

const plainLineEveryMs = 15_000
/** Less often while waiting: a coordinator may wait overnight. */
const waitingLineEveryMs = 60_000
const longestBar = 30
const shortestBar = 6

/**
 * Shows the progress of training. On a terminal these are two lines (the position of the run, and its figures) that are
 * redrawn in place and never wider than the terminal. Elsewhere it writes a plain line about every 15 s, and while
 * waiting one at the beginning and every 60 s.
 */
export function createTrainingProgress(stream: NodeJS.WriteStream): TrainingProgress {
  return canRedraw(stream) ? createTerminalProgress(stream) : createPlainProgress(stream)
}

function createTerminalProgress(stream: NodeJS.WriteStream): TrainingProgress {
  const bars = createBars(stream, { keepOnStop: false })
  return {
    update(state) {
      bars.show('place', width => drawPlace(state, width))
      bars.show('figures', width => truncate(`  ${describeFigures(state)}`, width))
    },
    line: bars.line,
    stop: bars.stop,
  }
}

function createPlainProgress(stream: NodeJS.WriteStream): TrainingProgress {
  let writtenAtMs = performance.now()
  let shown: TrainingState | null = null
  let timer: NodeJS.Timeout | undefined

  function line(text: string): void {
    writtenAtMs = performance.now()
    stream.write(`${text}\n`)
  }

  function update(state: TrainingState): void {
    const isFirst = shown === null
    shown = state
    if (state.phase === 'waiting') {
      if (isFirst) line(describeWaiting(state))
      timer ??= setInterval(() => line(describeWaiting(shown!)), waitingLineEveryMs)
      return
    }
    stop()
    if (performance.now() - writtenAtMs < plainLineEveryMs) return
    line([describePhase(state), ...describeSteps(state), describeFigures(state)].join(' · '))
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return { update, line, stop }
}

/** The bar takes the width that the text leaves. On a terminal too narrow for a bar the text is cut. */
function drawPlace(state: TrainingState, width: number): string {
  const phase = describePhase(state)
  const steps = describeSteps(state).join(' · ')
  const cells = Math.min(longestBar, width - phase.length - steps.length - 2)
  if (steps === '' || cells < shortestBar) return truncate(`${phase} ${steps}`.trimEnd(), width)
  return `${phase} ${drawBar(state.steps === 0 ? 0 : state.step / state.steps, cells)} ${steps}`
}

function describeWaiting({ workersAlive, workersNeeded }: TrainingState): string {
  return `waiting for workers: ${workersAlive} of ${workersNeeded}`
}

function describePhase(state: TrainingState): string {
  if (state.phase === 'waiting') return 'waiting for workers'
  if (state.phase === 'testing') return 'testing'
  const epoch = `epoch ${state.epoch}/${state.epochs}`
  return state.phase === 'validating' ? `${epoch} validating` : epoch
}

function describeSteps(state: TrainingState): string[] {
  if (state.phase === 'waiting') return []
  const parts = [`${formatCount(state.step)}/${formatCount(state.steps)}`]
  if (state.secondsLeft !== null) parts.push(`${formatDuration(Math.ceil(state.secondsLeft))} left`)
  return parts
}

/** The known figures, separated by dots. */
function describeFigures(state: TrainingState): string {
  const parts = []
  if (state.loss !== null) parts.push(`loss ${state.loss.toFixed(4)}`)
  if (state.accuracy !== null) parts.push(`accuracy ${state.accuracy.toFixed(4)}`)
  if (state.imagesPerSecond !== null) parts.push(`${formatCount(state.imagesPerSecond)} images/s`)
  return [...parts, describeWorkers(state)].join(' · ')
}

function describeWorkers({ workersAlive, workersWanted }: TrainingState): string {
  return workersAlive > workersWanted ? `${workersAlive} workers` : `${workersAlive} of ${workersWanted} workers`
}
