import { readText } from '../disk/atomic-file.ts'
import { systemDisk } from '../disk/disk.ts'
import { createLineFile, type LineFileOptions } from '../disk/line-file.ts'
import type { EpochMetrics, StepMetrics } from '../metrics.ts'

/** `metrics.jsonl` of a run that goes on: a line for each epoch and, where steps are logged, for each step. */
export type MetricsFile = {
  /** Keeps the line of a step; writes what has been kept where that is much. */
  readonly addStep: (metrics: StepMetrics) => Promise<void>
  /** Writes what has been kept, and the line of an epoch. */
  readonly addEpoch: (metrics: EpochMetrics) => Promise<void>
  /** Writes what has been kept. All four throw as `LineFile.flush` does, and keep what could not be written. */
  readonly flush: () => Promise<void>
  readonly settle: () => Promise<void>
}

/** What `metrics.jsonl` holds: its text, and its epochs. */
export type MetricsContent = { readonly text: string; readonly epochs: readonly EpochMetrics[] }

/** As many characters of steps are kept before they are written, or tried to write again. */
const chunkLength = 1 << 16

/** Goes on with a file that has this content. Lines of epochs are never given up. */
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

/** The content of the file as it was at a step: with the lines of these epochs, and of the steps up to that one. */
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

/** The lines of steps that are whole; those of epochs the checkpoint knows. */
function stepsIn(text: string): { readonly step: number; readonly line: string }[] {
  const whole = text.split('\n').slice(0, -1)
  return whole.flatMap(line => {
    const step = line.startsWith('{"type":"step"') ? stepOf(line) : null
    return step === null ? [] : [{ step, line: `${line}\n` }]
  })
}

/** Null for a line that is damaged, as by a loss of power. */
function stepOf(line: string): number | null {
  try {
    const { step } = JSON.parse(line) as Partial<StepMetrics>
    return typeof step === 'number' ? step : null
  } catch {
    return null
  }
}
