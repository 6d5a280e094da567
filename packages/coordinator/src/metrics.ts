import { coordinatorPhases, workerPhases } from '@lockstep/protocol'
import { z } from 'zod'

const lossAndAccuracy = { loss: z.number(), accuracy: z.number() }

/** A line of `metrics.jsonl`, written at the end of each epoch. Validation figures are null without validation data. */
export const epochMetricsSchema = z.object({
  type: z.literal('epoch'),
  epoch: z.int().min(1),
  /** Optimizer steps since the start of the run. */
  step: z.int().min(0),
  /** Mean over the samples of the epoch, each evaluated with the weights before its own step, as in Keras. */
  trainLoss: z.number(),
  trainAccuracy: z.number(),
  validationLoss: z.number().nullable(),
  validationAccuracy: z.number().nullable(),
  /** Of the last step of the epoch. */
  learningRate: z.number(),
  /** Wall time of the epoch including validation. */
  seconds: z.number(),
  /** Training samples divided by the wall time of this epoch's training steps. */
  imagesPerSecond: z.number(),
  /** Active workers at the end of the epoch. */
  workers: z.int(),
})

export type EpochMetrics = z.infer<typeof epochMetricsSchema>

/** Milliseconds by phase. */
const coordinatorTimes = z.record(z.enum(coordinatorPhases), z.number())
const workerTimes = z.record(z.enum(workerPhases), z.number())

/** An additional line of `metrics.jsonl` for each step, where steps are logged. */
export const stepMetricsSchema = z.object({
  type: z.literal('step'),
  epoch: z.int().min(1),
  /** Optimizer steps since the start of the run, this one included. */
  step: z.int().min(1),
  /** Samples in the global batch. */
  samples: z.int().min(1),
  /** Means over the batch's samples, with the weights before the step. */
  loss: z.number(),
  accuracy: z.number(),
  /** Wall time of the step, in milliseconds. */
  milliseconds: z.number(),
  coordinator: coordinatorTimes,
  /** By worker: the times it reported during the step, each since its previous report. */
  workers: z.array(z.object({ id: z.int(), phases: workerTimes })),
})

export type StepMetrics = z.infer<typeof stepMetricsSchema>

/** How many steps were measured, their mean duration, and the mean duration of each phase, in milliseconds. */
const measuredSteps = { steps: z.int(), stepMs: z.number() }

/** Where the time of a run's steps goes, without the steps of the warm-up. */
export const phaseReportSchema = z.object({
  coordinator: z.object({ ...measuredSteps, phases: coordinatorTimes }),
  /** A worker's figures cover the steps in which it was active. */
  workers: z.array(z.object({ id: z.int(), ...measuredSteps, phases: workerTimes })),
})

export type PhaseReport = z.infer<typeof phaseReportSchema>

const epochFigures = epochMetricsSchema.pick({
  trainLoss: true,
  trainAccuracy: true,
  validationLoss: true,
  validationAccuracy: true,
})

/**
 * Why a run loses a worker.
 * - `left`, `failed`, `uncomputable`: its `bye` said that it leaves, that it fails, or that every worker would fail on
 *   this model.
 * - `lost`: its connection broke. `silent`: it sent nothing. `deaf`: it stopped reading. `hung`: its computation hung.
 * - `refused`: it was dropped and may reconnect. `excluded`: it was dropped for good.
 */
export const lossCauses = [
  'left',
  'failed',
  'uncomputable',
  'lost',
  'silent',
  'deaf',
  'hung',
  'refused',
  'excluded',
] as const
export type LossCause = (typeof lossCauses)[number]

/** `summary.json`, written when a run ends or is interrupted. */
export const runSummarySchema = z.object({
  run: z.string(),
  runId: z.string(),
  status: z.enum(['completed', 'stopped early', 'interrupted']),
  dataset: z.string(),
  dataSource: z.string(),
  model: z.string(),
  parameters: z.int(),
  trainSamples: z.int(),
  validationSamples: z.int(),
  testSamples: z.int(),
  epochs: z.int(),
  steps: z.int(),
  batchSize: z.int(),
  workers: z.int(),
  shards: z.int(),
  precision: z.string(),
  /** What gradients are rounded to. Summaries of runs older than the option lack it. */
  compress: z.string().default('none'),
  engine: z.string(),
  /** The backends used since the start of the run, such as `TensorFlow 2.21.0, CPU` or `WebAssembly SIMD`. */
  backends: z.array(z.string()),
  /** Whether there was more than one backend. If so, the weights depend on which worker computed what. */
  mixedBackends: z.boolean().default(false),
  seed: z.int(),
  /** The topology of most steps. Absent in runs older than the option. */
  topology: z.enum(['star', 'direct']).optional(),
  /**
   * Shards drawn for an audit: `compared` ones were computed by two workers that agreed, `alone` ones had only one
   * worker. Counted since the last start. Null without audits, and in summaries of earlier versions.
   */
  audit: z.object({ fraction: z.number(), compared: z.int(), alone: z.int() }).nullable().default(null),
  trainSeconds: z.number(),
  /** Null until more steps than the 20 of the warm-up have run. */
  imagesPerSecond: z.number().nullable(),
  final: epochFigures.nullable(),
  /**
   * The epoch with the lowest validation loss, or without validation the lowest training loss, and the step at its end,
   * which summaries of earlier versions lack. All other figures, such as `test`, are of the last weights.
   */
  best: epochFigures.extend({ epoch: z.int(), step: z.int().optional() }).nullable(),
  /** Null when the run was interrupted. */
  test: z.object(lossAndAccuracy).nullable(),
  /** Null while no step after the warm-up has run, and in summaries of earlier versions. */
  phases: phaseReportSchema.nullable().default(null),
  /** SHA-256 over the flat float32 weights, little-endian. */
  weightsSha256: z.string(),
  perWorker: z.array(
    z.object({
      id: z.int(),
      name: z.string(),
      host: z.string(),
      device: z.string(),
      /** Empty in summaries of earlier versions. */
      backend: z.string().default(''),
      samples: z.int(),
      shards: z.int(),
      /** Answers that could not be used: not finite, of the wrong size, or not asked for. */
      refused: z.int().default(0),
      /** Null where it was still active at the end of the run, and in summaries of earlier versions. */
      cause: z.enum(lossCauses).nullable().default(null),
      /** How the worker ended: still active at the end of the run, or why it left. */
      outcome: z.string(),
    }),
  ),
})

export type RunSummary = z.infer<typeof runSummarySchema>
