import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EpochMetrics, RunSummary } from '@lockstep/coordinator'
import type { RunConfig } from '@lockstep/protocol'
import { exampleRunConfig } from '@lockstep/protocol/testing'
import { onTestFinished } from 'vitest'

/**
 * What Keras reports for the reference net on CIFAR-10: validation accuracy after epochs 1 to 6, then its best, then
 * overfitting.
 */
const kerasAccuracy = [0.5, 0.59, 0.63, 0.66, 0.675, 0.7, 0.698, 0.704, 0.701, 0.699]

export const exampleConfig: RunConfig = { ...exampleRunConfig, dataset: 'cifar10', epochs: 10, momentum: 0 }

/** Metrics of `count` epochs, like the tutorial's: the validation loss is lowest at epoch 6, then the net overfits. */
export function exampleEpochs(count: number): EpochMetrics[] {
  return Array.from({ length: count }, (_, index) => {
    const epoch = index + 1
    return {
      type: 'epoch',
      epoch,
      step: epoch * 800,
      trainLoss: 1.55 * Math.exp(-index / 9) + 0.02 + 0.01 * Math.sin(epoch * 1.7),
      trainAccuracy: 1 - 0.56 * Math.exp(-index / 10),
      // |epoch - 6| makes epoch 6 the lowest; the slope after it is that of 2.93 at epoch 100.
      validationLoss: epoch <= 6 ? 1.4 - 0.107 * index : 0.866 + 0.022 * (epoch - 6) + 0.015 * Math.sin(epoch),
      validationAccuracy: kerasAccuracy[index] ?? 0.695 + 0.006 * Math.sin(epoch * 0.9),
      learningRate: 0.001,
      seconds: 17.5,
      imagesPerSecond: 2900 + 40 * Math.sin(epoch),
      workers: 4,
    }
  })
}

/** The same epochs of a run that has no validation set. */
export function withoutValidation(epochs: readonly EpochMetrics[]): EpochMetrics[] {
  return epochs.map(epoch => ({ ...epoch, validationLoss: null, validationAccuracy: null }))
}

export function exampleSummary(epochs: readonly EpochMetrics[], changes: Partial<RunSummary> = {}): RunSummary {
  const figures = ({ trainLoss, trainAccuracy, validationLoss, validationAccuracy }: EpochMetrics) => {
    return { trainLoss, trainAccuracy, validationLoss, validationAccuracy }
  }
  const last = epochs.at(-1)
  const best = epochs[Math.min(5, epochs.length - 1)]
  return {
    run: 'reference',
    runId: '0f5ad6a0',
    status: 'completed',
    dataset: 'cifar10',
    dataSource: 'the official binary archive',
    model: 'reference',
    parameters: 258_762,
    trainSamples: 40_000,
    validationSamples: 10_000,
    testSamples: 10_000,
    epochs: epochs.length,
    steps: epochs.length * 800,
    phases: null,
    audit: null,
    batchSize: 50,
    workers: 4,
    shards: 4,
    precision: 'float32',
    compress: 'none',
    engine: 'eager',
    backends: ['TensorFlow 2.21.0, CPU'],
    mixedBackends: false,
    seed: 1,
    trainSeconds: epochs.length * 14,
    imagesPerSecond: 2912.4,
    final: last === undefined ? null : figures(last),
    best: best === undefined ? null : { epoch: best.epoch, ...figures(best) },
    test: { loss: 0.9312, accuracy: 0.6948 },
    weightsSha256: 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184',
    perWorker: [],
    ...changes,
  }
}

export type ExampleRun = {
  readonly name?: string
  readonly createdAt?: string
  readonly config?: Partial<RunConfig>
  readonly epochs?: readonly EpochMetrics[]
  /** Null: the run was killed or is still running. */
  readonly summary?: Partial<RunSummary> | null
}

/** Writes a run folder like that of a real run, and returns its path. */
export async function writeExampleRun(runsFolder: string, folderName: string, run: ExampleRun = {}): Promise<string> {
  const folder = join(runsFolder, folderName)
  const epochs = run.epochs ?? exampleEpochs(10)
  const config = {
    runId: '0f5ad6a0',
    name: run.name ?? 'reference',
    createdAt: run.createdAt ?? '2026-03-01T09:00:00.000Z',
    config: { ...exampleConfig, epochs: epochs.length || 1, ...run.config },
    lockstep: '0.1.0',
  }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'config.json'), JSON.stringify(config, null, 2))
  await writeFile(join(folder, 'metrics.jsonl'), epochs.map(epoch => `${JSON.stringify(epoch)}\n`).join(''))
  if (run.summary !== null) {
    await writeFile(join(folder, 'summary.json'), JSON.stringify(exampleSummary(epochs, run.summary)))
  }
  return folder
}

/** Creates a folder that is removed when the test ends. */
export async function makeTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
