import type { RunPlan } from '@lockstep/coordinator'
import { freshState, type RunState, resumeState } from '@lockstep/coordinator'
import { createRandom, type ImageSplit, imageBytes, stepsPerEpoch } from '@lockstep/data'
import { type Checkpoint, createOptimizer, createSchedule } from '@lockstep/model'
import { plainArithmetic } from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { exampleRunConfig } from '@lockstep/protocol/testing'
import { classes, features, modelSize, tinyLayout, trainableSize, trainSamples } from './tiny-model.ts'

/** The settings that differ between simulated runs. */
export type TinyConfig = Pick<RunConfig, 'epochs' | 'batchSize' | 'shards' | 'optimizer' | 'compress'>

const dataSha256 = '1'.repeat(64)
export const layoutHash = '2'.repeat(64)

const splits = {
  train: makeSplit(trainSamples, 1),
  validation: makeSplit(5, 2),
  test: makeSplit(4, 3),
}

function makeSplit(count: number, stream: number): ImageSplit {
  const random = createRandom(99, stream)
  const pixels = new Uint8Array(count * imageBytes)
  const labels = Uint8Array.from({ length: count }, () => random.below(classes))
  for (let sample = 0; sample < count; sample++) {
    const image = pixels.subarray(sample * imageBytes, (sample + 1) * imageBytes)
    for (let feature = 0; feature < features; feature++) image[feature] = random.below(256)
    image[imageBytes - 1] = sample
  }
  return { count, pixels, labels }
}

function configOf(tiny: TinyConfig): RunConfig {
  return { ...exampleRunConfig, seed: 7, learningRate: 0.05, schedule: 'cosine', ...tiny }
}

/** The plan of a run from its beginning, or from a checkpoint. */
export function planTinyRun(runId: string, tiny: TinyConfig, checkpoint: Checkpoint | null): RunPlan {
  const config = configOf(tiny)
  const optimizer = createOptimizer(config, tinyLayout)
  const state =
    checkpoint === null
      ? freshState(firstWeights(), optimizer.initialState(trainableSize))
      : resumeState(checkpoint, dataSha256, plainArithmetic)
  return {
    identity: { runId, config, dataSha256, layoutHash, topology: '{}' },
    config,
    classNames: ['left', 'middle', 'right'],
    dataSource: 'simulated',
    ...splits,
    arithmetic: plainArithmetic,
    optimizer,
    trainableSize,
    learningRateAt: createSchedule(config, stepsPerEpoch(trainSamples, config.batchSize)),
    state,
    modelSummary: 'tiny',
    modelFiles: () => ({ 'model.json': '{}', 'weights.bin': new Uint8Array(4) }),
  }
}

function firstWeights(): RunState['weights'] {
  const random = createRandom(5, 5)
  return Float32Array.from({ length: modelSize }, (_, at) => (at < trainableSize ? random.below(1000) / 1000 - 0.5 : 0))
}
