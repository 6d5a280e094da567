import { coordinatorPhases, workerPhases } from '@lockstep/protocol'
import { z } from 'zod'

const lossAndAccuracy = { loss: z.number(), accuracy: z.number() }

/** One line of `metrics.jsonl`, written at the end of each epoch. Validation figures are null without a validation set. */
export const epochMetricsSchema = z.object({
  type: z.literal('epoch'),
  epoch: z.int().min(1),
  /** Optimizer steps since the start of the run. */
  step: z.int().min(0),
  /** Mean over the samples of the epoch, each with the weights before its own step (as Keras reports it). */
  trainLoss: z.number(),
  trainAccuracy: z.number(),
  validationLoss: z.number().nullable(),
  validationAccuracy: z.number().nullable(),
  /** Of the last step of the epoch. */
  learningRate: z.number(),
  /** Wall time of the epoch including validation. */
  seconds: z.number(),
  /** Training samples over the wall time of the training steps of this epoch. */
  imagesPerSecond: z.number(),
  /** Workers alive at the end of the epoch. */
  workers: z.int(),
})

export type EpochMetrics = z.infer<typeof epochMetricsSchema>

/** Milliseconds by phase. */
const coordinatorTimes = z.record(z.enum(coordinatorPhases), z.number())
const workerTimes = z.record(z.enum(workerPhases), z.number())

/** One more line of `metrics.jsonl` for each step, where steps are logged. */
export const stepMetricsSchema = z.object({
  type: z.literal('step'),
  epoch: z.int().min(1),
  /** Optimizer steps since the start of the run, this one included. */
  step: z.int().min(1),
  /** In the global batch. */
  samples: z.int().min(1),
  /** Means over them, with the weights before the step. */
  loss: z.number(),
  accuracy: z.number(),
  /** Wall time of the step, in milliseconds. */
  milliseconds: z.number(),
  coordinator: coordinatorTimes,
  /** By worker: what it told during the step, of the time since it told the last. */
  workers: z.array(z.object({ id: z.int(), phases: workerTimes })),
})

export type StepMetrics = z.infer<typeof stepMetricsSchema>

/** How many steps were measured, how long one took in the mean, and how much of that each phase, in milliseconds. */
const measuredSteps = { steps: z.int(), stepMs: z.number() }

/** Where the steps of a run go, without those of the warm-up. */
export const phaseReportSchema = z.object({
  coordinator: z.object({ ...measuredSteps, phases: coordinatorTimes }),
  /** A worker's figures are over the steps in which it took part. */
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
 * By what a run loses a worker: it said goodbye, that it fails, or that all would fail at this model; its connection broke, it was silent,
 * it stopped reading, its computation hung, it was sent away and may come back, or for good.
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
  /** What gradients were rounded to; summaries of runs from before it could be chosen lack it. */
  compress: z.string().default('none'),
  engine: z.string(),
  /** What has computed, such as `TensorFlow 2.21.0, CPU` or `WebAssembly SIMD`, since the start of the run. */
  backends: z.array(z.string()),
  /** Whether it was more than one: then the weights depend on who computed what. */
  mixedBackends: z.boolean().default(false),
  seed: z.int(),
  /** The way that the gradients of most steps went. Absent in runs of before there was a choice. */
  topology: z.enum(['star', 'direct']).optional(),
  /**
   * Shards that were drawn to be computed twice: those on which two workers agreed, and those for which there was only one.
   * Null without audits, and in summaries of earlier versions. Counted since the last start.
   */
  audit: z.object({ fraction: z.number(), compared: z.int(), alone: z.int() }).nullable().default(null),
  trainSeconds: z.number(),
  /** Null while fewer steps than the 20 of the warm-up have run. */
  imagesPerSecond: z.number().nullable(),
  final: epochFigures.nullable(),
  /**
   * The epoch with the lowest validation loss, or with the lowest training loss where nothing validates, and the step at its end,
   * which summaries of earlier versions lack. All else, such as `test`, is of the last weights.
   */
  best: epochFigures.extend({ epoch: z.int(), step: z.int().optional() }).nullable(),
  /** Null when the run was interrupted before its end. */
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
      /** Null where it was there at the end of the run, and in summaries of earlier versions. */
      cause: z.enum(lossCauses).nullable().default(null),
      /** How the worker ended: still there at the end of the run, or why it went. */
      outcome: z.string(),
    }),
  ),
})

export type RunSummary = z.infer<typeof runSummarySchema>
