import {
  type DataSet,
  dataSetSha256,
  type ImageSplit,
  imageBytes,
  imageShape,
  splitTrainValidation,
  stepsPerEpoch,
  takeFirst,
} from '@lockstep/data'
import {
  type Checkpoint,
  createLayout,
  createModel,
  createOptimizer,
  createSchedule,
  type LayersModelFiles,
  type LearningRateSchedule,
  readWeights,
  restoreModel,
  summarize,
  toLayersModelFiles,
  toTopology,
  type Updater,
  usePlainJavaScript,
} from '@lockstep/model'
import { type Arithmetic, createArithmetic, gradientFormatBytes, mappedBytesFor } from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { freshState, type RunIdentity, type RunState, resumeState } from './run-state.ts'

/** A run before training begins: its samples, its model, and the state from which it starts. */
export type RunPlan = Updater & {
  readonly identity: RunIdentity
  readonly config: RunConfig
  readonly classNames: readonly string[]
  readonly dataSource: string
  readonly train: ImageSplit
  readonly validation: ImageSplit | null
  readonly test: ImageSplit
  readonly learningRateAt: LearningRateSchedule
  /** The state lies in its memory. */
  readonly arithmetic: Arithmetic
  readonly state: RunState
  /** The model's description, as Keras's `summary` prints it. */
  readonly modelSummary: string
  /** The model with the current weights, as a plain LayersModel. */
  readonly modelFiles: () => LayersModelFiles
}

/**
 * Splits the data, builds the model, and creates the state or takes it from `checkpoint`.
 *
 * @throws LockstepError what `createModel` or, with a checkpoint, `restoreModel` and `resumeState` throw.
 */
export async function planRun(options: {
  readonly runId: string
  readonly config: RunConfig
  readonly dataSet: DataSet
  readonly checkpoint: Checkpoint | null
}): Promise<RunPlan> {
  const { runId, config, dataSet, checkpoint: saved } = options
  const { classNames, source: dataSource } = dataSet
  await usePlainJavaScript()
  const { model, layout, topology } =
    saved === null
      ? await newModel(config, classNames.length)
      : { ...(await restoreModel(saved)), topology: saved.topology }
  const arithmetic = createArithmetic({
    capacityBytes: stepBytes(layout.size, config),
    mappedBytes: mappedBytesFor(layout.size * Float32Array.BYTES_PER_ELEMENT),
  })
  const optimizer = createOptimizer(config, layout, arithmetic)
  const split = splitSamples(dataSet, config)
  const dataSha256 = dataSetSha256(dataSet)
  const state =
    saved === null
      ? freshState(arithmetic.adopt(readWeights(model, layout)), optimizer.initialState(layout.trainableSize))
      : resumeState(saved, dataSha256, arithmetic)
  return {
    identity: { runId, config, dataSha256, layoutHash: layout.hash, topology },
    config,
    classNames,
    dataSource,
    ...split,
    arithmetic,
    optimizer,
    trainableSize: layout.trainableSize,
    learningRateAt: createSchedule(config, stepsPerEpoch(split.train.count, config.batchSize)),
    state,
    modelSummary: summarize(model),
    modelFiles: () =>
      toLayersModelFiles(model, layout, state.weights, { classNames, weights: 'last', step: state.step }),
  }
}

/**
 * Memory for the weights, at most two moments, the gradients of all shards, the alignment of each vector, and packing.
 */
function stepBytes(size: number, config: RunConfig): number {
  const vectors = 3 + config.shards
  return vectors * (size * Float32Array.BYTES_PER_ELEMENT + 64) + gradientFormatBytes(config, size)
}

async function newModel({ model: name, seed }: RunConfig, classes: number) {
  const model = await createModel(name, { classes, seed, inputShape: imageShape })
  return { model, layout: createLayout(model), topology: toTopology(model) }
}

function splitSamples(dataSet: DataSet, config: RunConfig): Pick<RunPlan, 'train' | 'validation' | 'test'> {
  const all = config.limitTrain === null ? dataSet.train : takeFirst(dataSet.train, config.limitTrain)
  const test = config.limitTest === null ? dataSet.test : takeFirst(dataSet.test, config.limitTest)
  const { trainCount, validationCount } = splitTrainValidation(all.count, config.validationSplit)
  const validation = validationCount === 0 ? null : dropFirst(all, trainCount)
  return { train: takeFirst(all, trainCount), validation, test }
}

function dropFirst(split: ImageSplit, n: number): ImageSplit {
  return { count: split.count - n, pixels: split.pixels.subarray(n * imageBytes), labels: split.labels.subarray(n) }
}
