import { readText } from '../disk/atomic-file.ts'
import { systemDisk } from '../disk/disk.ts'
import { createLineFile, type LineFileOptions } from '../disk/line-file.ts'
import type { EpochMetrics, StepMetrics } from '../metrics.ts'

/** The `metrics.jsonl` of a run in progress: one line for each epoch and, where steps are logged, for each step. */
export type MetricsFile = {
  /** Queues the line of a step, and writes all queued lines once there are many. */
  readonly addStep: (metrics: StepMetrics) => Promise<void>
  /** Writes the queued lines and that of an epoch. */
  readonly addEpoch: (metrics: EpochMetrics) => Promise<void>
  /**
   * Writes the queued lines. All four methods throw what `LineFile.flush` throws, and keep what could not be written.
   */
  readonly flush: () => Promise<void>
  readonly settle: () => Promise<void>
}

/** The content of `metrics.jsonl`: its text, and its epochs. */
export type MetricsContent = { readonly text: string; readonly epochs: readonly EpochMetrics[] }

/** How many characters of step lines are queued before they are written, or a failed write is retried. */
const chunkLength = 1 << 16

/** Continues a file with this content. Lines of epochs are never discarded. */
export function createMetricsFile(
  options: Omit<LineFileOptions, 'content'>,
  { text, epochs }: MetricsContent = { text: '', epochs: [] },
): MetricsFile {
  const content = { bytes: Buffer.byteLength(text), lasting: epochs.map(epoch => JSON.stringify(epoch)) }
  const file = createLineFile({ ...options, content })
  let nextLength = chunkLength

  function flush(): Promise<void> {
    return file.flush().finally(() => {
      nextLength = file.keptLength() + chunkLength
    })
  }

  return {
    addStep: async metrics => {
      file.add(JSON.stringify(metrics), false)
      if (file.keptLength() >= nextLength) await flush()
    },
    addEpoch: metrics => {
      file.add(JSON.stringify(metrics), true)
      return flush()
    },
    flush,
    settle: file.settle,
  }
}

/** The content of the file as of a step: the lines of these epochs, and of the steps up to that one. */
export async function metricsUntil(
  path: string,
  { epochs, step }: { readonly epochs: readonly EpochMetrics[]; readonly step: number },
  disk = systemDisk,
): Promise<MetricsContent> {
  const steps = stepsIn((await readText(path, disk)) ?? '').filter(known => known.step <= step)
  const upTo = (from: number, to: number) =>
    steps.filter(known => known.step > from && known.step <= to).map(known => known.line)
  const lines: string[] = []
  let written = 0
  for (const epoch of epochs) {
    lines.push(...upTo(written, epoch.step), `${JSON.stringify(epoch)}\n`)
    written = epoch.step
  }
  return { text: [...lines, ...upTo(written, step)].join(''), epochs }
}

/** The complete lines of steps. Those of epochs come from the checkpoint. */
function stepsIn(text: string): { readonly step: number; readonly line: string }[] {
  const whole = text.split('\n').slice(0, -1)
  return whole.flatMap(line => {
    const step = line.startsWith('{"type":"step"') ? stepOf(line) : null
    return step === null ? [] : [{ step, line: `${line}\n` }]
  })
}

/** Null for a damaged line, for example after a loss of power. */
function stepOf(line: string): number | null {
  try {
    const { step } = JSON.parse(line) as Partial<StepMetrics>
    return typeof step === 'number' ? step : null
  } catch {
    return null
  }
}
