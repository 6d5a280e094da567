import { formatBytes, type Progress, type ProgressListener } from '@lockstep/protocol'
import { createBars, drawBar } from './bars.ts'
import { canRedraw } from './can-redraw.ts'
import { formatCount, formatDuration } from './format.ts'
import { createRateMeter, type RateMeter } from './rate-meter.ts'
import { truncate } from './style.ts'

export type ProgressBar = {
  readonly update: ProgressListener
  /** Leaves the bars on the terminal. A later update starts new ones. */
  readonly stop: () => void
}

/** A task in progress. */
type Work = {
  progress: Progress
  readonly rate: RateMeter
  readonly startedAtMs: number
  endedAtMs: number | undefined
}

const plainLineEveryMs = 10_000
const barCells = 24

/**
 * Shows the progress of long tasks, with a bar for each label, speed and time left.
 * Without a terminal it writes a plain line when a task starts, about every 10 s, and when it ends.
 */
export function createProgressBar(stream: NodeJS.WriteStream): ProgressBar {
  return canRedraw(stream) ? createTerminalProgress(stream) : createPlainProgress(stream)
}

function createTerminalProgress(stream: NodeJS.WriteStream): ProgressBar {
  const bars = createBars(stream, { keepOnStop: true })
  const works = new Map<string, Work>()
  return {
    update(progress) {
      const work = followWork(works, progress)
      bars.show(progress.label, width => drawWork(work, width))
    },
    stop() {
      bars.stop()
      works.clear()
    },
  }
}

function createPlainProgress(stream: NodeJS.WriteStream): ProgressBar {
  const works = new Map<string, Work>()
  const written = new Map<string, { readonly atMs: number; readonly done: number }>()

  function write(work: Work) {
    written.set(work.progress.label, { atMs: performance.now(), done: work.progress.done })
    stream.write(`${work.progress.label}: ${describeWork(work)}\n`)
  }

  return {
    update(progress) {
      const work = followWork(works, progress)
      const last = written.get(progress.label)
      const isDue = last === undefined || performance.now() - last.atMs >= plainLineEveryMs
      const justEnded = isComplete(progress) && last?.done !== progress.done
      if (isDue || justEnded) write(work)
    },
    stop() {
      for (const work of works.values()) {
        if (written.get(work.progress.label)?.done !== work.progress.done) write(work)
      }
      works.clear()
      written.clear()
    },
  }
}

function followWork(works: Map<string, Work>, progress: Progress): Work {
  const nowMs = performance.now()
  const known = works.get(progress.label)
  const work = known ?? { progress, rate: createRateMeter(), startedAtMs: nowMs, endedAtMs: undefined }
  if (known === undefined) works.set(progress.label, work)
  work.progress = progress
  work.rate.add(nowMs, progress.done)
  if (isComplete(progress)) work.endedAtMs ??= nowMs
  else work.endedAtMs = undefined
  return work
}

function isComplete(progress: Progress): boolean {
  return progress.total !== undefined && progress.done >= progress.total
}

function drawWork(work: Work, width: number): string {
  const { label, done, total } = work.progress
  const figures = describeWork(work)
  if (total === undefined) return truncate(`${label}  ${figures}`, width)
  const full = `${label} ${drawBar(fraction(done, total), barCells)} ${figures}`
  return full.length <= width ? full : truncate(`${label} ${figures}`, width)
}

/** `34 % · 93.2 MB of 274.0 MB · 12.3 MB/s · 15 s left`, without the parts that are unknown. */
function describeWork(work: Work): string {
  const { done, total, unit } = work.progress
  const amount = (value: number) => (unit === 'bytes' ? formatBytes(value) : formatCount(value))
  const unitName = unit === 'bytes' ? '' : ` ${unit}`
  const speed = work.rate.perSecond()
  const parts = [total === undefined ? `${amount(done)}${unitName}` : `${amount(done)} of ${amount(total)}${unitName}`]
  if (total !== undefined) parts.unshift(`${Math.floor(fraction(done, total) * 100)} %`)
  if (work.endedAtMs !== undefined) {
    const seconds = (work.endedAtMs - work.startedAtMs) / 1000
    return seconds > 0 ? [...parts, `in ${formatDuration(seconds)}`].join(' · ') : parts.join(' · ')
  }
  if (speed !== undefined) parts.push(`${unit === 'bytes' ? formatBytes(speed) : formatSpeed(speed)}/s`)
  if (speed !== undefined && speed > 0 && total !== undefined) {
    parts.push(`${formatDuration(Math.ceil((total - done) / speed))} left`)
  }
  return parts.join(' · ')
}

function formatSpeed(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : formatCount(perSecond)
}

function fraction(done: number, total: number): number {
  return total === 0 ? 1 : Math.min(done / total, 1)
}
