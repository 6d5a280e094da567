import { type EpochMetrics, epochMetricsSchema, type RunSummary, runFiles } from '@lockstep/coordinator'
import { runFolder } from '../cluster/coordinator-life.ts'
import type { ReferenceRun } from '../model/reference-run.ts'
import { Violation } from '../violation.ts'
import type { SimulatedDisk } from '../world/disk.ts'

/**
 * Checks that `metrics.jsonl` has one line for each of the first `epochs` epochs, in order, with the figures of the
 * undisturbed run. The last lines may be missing while the disk fails.
 */
export function checkMetrics(
  reference: ReferenceRun,
  disk: SimulatedDisk,
  epochs: number,
  when: string,
  diskFails = false,
): void {
  const lines = readLines(disk)
  const found = lines.map(({ epoch }) => epoch)
  const length = diskFails ? Math.min(found.length, epochs) : epochs
  const expected = Array.from({ length }, (_, index) => index + 1)
  if (`${found}` !== `${expected}`) {
    throw new Violation(`metrics.jsonl has lines of the epochs [${found}] instead of [${expected}] ${when}`)
  }
  for (const line of lines) checkFigures(reference, line)
}

/** Checks that the figures of an epoch are those of the undisturbed run. */
function checkFigures(reference: ReferenceRun, metrics: EpochMetrics): void {
  const expected = reference.epochs[metrics.epoch - 1]
  for (const [name, value] of Object.entries(expected ?? {})) {
    const found = metrics[name as keyof EpochMetrics]
    if (found !== value) throw new Violation(`${name} of epoch ${metrics.epoch} is ${found} instead of ${value}`)
  }
}

/**
 * Checks that the run has ended with the weights of the undisturbed one, and that its workers' shares add up to what
 * this life has trained.
 */
export function checkSummary(reference: ReferenceRun, summary: RunSummary, startStep: number): void {
  if (summary.weightsSha256 !== reference.weightsSha256) {
    throw new Violation(
      `the run ends with the weights ${summary.weightsSha256.slice(0, 12)}, not those of the undisturbed run`,
    )
  }
  const trained = reference.batches.slice(startStep).reduce((sum, batch) => sum + batch.length, 0)
  const credited = summary.perWorker.reduce((sum, { samples }) => sum + samples, 0)
  if (credited !== trained) {
    throw new Violation(`the workers are credited with ${credited} samples, of the ${trained} that have been trained`)
  }
}

function readLines(disk: SimulatedDisk): readonly EpochMetrics[] {
  const bytes = disk.peek(`${runFolder}/${runFiles.metrics}`)
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array(0)).split('\n')
  if (lines.pop() !== '') throw new Violation('metrics.jsonl does not end with a whole line')
  return lines.map(line => {
    try {
      return epochMetricsSchema.parse(JSON.parse(line))
    } catch {
      throw new Violation(`metrics.jsonl has a line that is none of an epoch: ${line.slice(0, 80)}`)
    }
  })
}
