import { basename, resolve } from 'node:path'
import { modelTitle } from '@lockstep/protocol'
import { bestPoint, curveOf, type Metric } from '../plots/curves.ts'
import type { RunRecord, RunState } from './run-record.ts'

/** A run's entry in a list of runs. Accuracies are fractions. */
export type RunOverview = {
  /** The name of its folder, which commands accept. */
  readonly run: string
  readonly folder: string
  readonly name: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly dataset: string
  readonly model: string
  readonly epochs: number
  readonly plannedEpochs: number
  readonly bestValidationLoss: BestFigure | null
  readonly bestValidationAccuracy: BestFigure | null
  readonly test: { readonly loss: number; readonly accuracy: number } | null
  readonly imagesPerSecond: number | null
  readonly workers: number | null
  readonly state: RunState
  readonly weightsSha256: string | null
}

export type BestFigure = { readonly epoch: number; readonly value: number }

/** Without a summary, speed and workers are those of the last epoch. */
export function overviewOf(run: RunRecord): RunOverview {
  const { summary } = run
  const last = run.epochs.at(-1)
  return {
    run: basename(resolve(run.folder)),
    folder: run.folder,
    name: run.name,
    createdAt: run.createdAt.toISOString(),
    dataset: run.config.dataset,
    model: modelTitle(run.config.model),
    epochs: run.epochs.length,
    plannedEpochs: run.config.epochs,
    bestValidationLoss: bestFigure(run, 'loss'),
    bestValidationAccuracy: bestFigure(run, 'accuracy'),
    test: summary?.test ?? null,
    imagesPerSecond: summary?.imagesPerSecond ?? last?.imagesPerSecond ?? null,
    workers: summary?.workers ?? last?.workers ?? null,
    state: run.state,
    weightsSha256: summary?.weightsSha256 ?? null,
  }
}

function bestFigure(run: RunRecord, metric: Metric): BestFigure | null {
  const epoch = bestPoint(curveOf(run.epochs, 'validation', metric), metric)?.epoch
  const metrics = run.epochs.find(candidate => candidate.epoch === epoch)
  const value = metric === 'loss' ? metrics?.validationLoss : metrics?.validationAccuracy
  return epoch === undefined || value === undefined || value === null ? null : { epoch, value }
}
