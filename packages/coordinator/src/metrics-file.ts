import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { writeError } from './atomic-file.ts'
import { type Disk, systemDisk } from './disk.ts'
import type { EpochMetrics, StepMetrics } from './metrics.ts'

/** `metrics.jsonl` of a run that goes on: a line for each epoch and, where steps are logged, for each step. */
export type MetricsFile = {
  /** Keeps the line of a step; writes what has been kept where that is much. */
  readonly addStep: (metrics: StepMetrics) => Promise<void>
  /** Writes what has been kept, and the line of an epoch. */
  readonly addEpoch: (metrics: EpochMetrics) => Promise<void>
  /** Writes what has been kept. All three throw `disk-full` or `file-not-written`, or what `mayWrite` throws. */
  readonly flush: () => Promise<void>
}

/** As many characters of steps are kept before they are written. */
const keptLength = 1 << 16

/**
 * `mayWrite` throws where the file is no longer this coordinator's. It is asked when the file is open: whoever takes the run
 * over later puts another file in its place, and what is written into this one then is seen by nobody.
 */
export function createMetricsFile(
  path: string,
  disk = systemDisk,
  mayWrite: () => Promise<void> = async () => undefined,
): MetricsFile {
  let kept = ''
  let writing: Promise<void> = Promise.resolve()

  function flush(): Promise<void> {
    const text = kept
    kept = ''
    if (text !== '') writing = writing.then(() => append(disk, path, text, mayWrite))
    return writing
  }

  return {
    addStep: async metrics => {
      kept += line(metrics)
      if (kept.length >= keptLength) await flush()
    },
    addEpoch: metrics => {
      kept += line(metrics)
      return flush()
    },
    flush,
  }
}

/** The text of the file as it was at a step: with the lines of these epochs, and of the steps up to that one. */
export async function metricsUntil(
  path: string,
  { epochs, step }: { readonly epochs: readonly EpochMetrics[]; readonly step: number },
  disk = systemDisk,
): Promise<string> {
  const steps = stepsIn(await readOrEmpty(disk, path)).filter(known => known.step <= step)
  const upTo = (from: number, to: number) =>
    steps.filter(known => known.step > from && known.step <= to).map(known => known.line)
  const lines: string[] = []
  let written = 0
  for (const epoch of epochs) {
    lines.push(...upTo(written, epoch.step), line(epoch))
    written = epoch.step
  }
  return [...lines, ...upTo(written, step)].join('')
}

/** The lines of steps that are whole; those of epochs the checkpoint knows. */
function stepsIn(text: string): { readonly step: number; readonly line: string }[] {
  const whole = text.split('\n').slice(0, -1)
  const lines = whole.filter(candidate => candidate.startsWith('{"type":"step"'))
  return lines.map(candidate => ({ step: (JSON.parse(candidate) as StepMetrics).step, line: `${candidate}\n` }))
}

async function append(disk: Disk, path: string, text: string, mayWrite: () => Promise<void>): Promise<void> {
  try {
    const file = await disk.open(path, 'append')
    await mayWrite()
      .then(() => file.write(text))
      .finally(file.close)
  } catch (error) {
    throw error instanceof LockstepError ? error : writeError(path, error)
  }
}

async function readOrEmpty(disk: Disk, path: string): Promise<string> {
  try {
    return new TextDecoder().decode(await disk.read(path))
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return ''
    throw error
  }
}

function line(metrics: EpochMetrics | StepMetrics): string {
  return `${JSON.stringify(metrics)}\n`
}
