import { createRandom, type ImageSplit, imageBytes } from '@lockstep/data'
import { createOptimizer, createSchedule, decodeCheckpoint } from '@lockstep/model'
import { plainArithmetic } from '@lockstep/model/arithmetic'
import type { RunConfig } from '@lockstep/protocol'
import { exampleRunConfig } from '@lockstep/protocol/testing'
import { findCheckpoint } from '../../src/checkpoints/newest-checkpoint.ts'
import type { RunPlan } from '../../src/plan.ts'
import { freshState, type RunState, resumeState } from '../../src/run-state.ts'
import { classes, features, tinyLayout, tinySize, tinyTrainable } from './tiny-engine.ts'

export const tinyConfig: RunConfig = {
  ...exampleRunConfig,
  epochs: 2,
  batchSize: 10,
  shards: 4,
  seed: 7,
  learningRate: 0.05,
}

const tinyData = '1'.repeat(64)

/** Images whose label is the brightest of three pairs of bytes; the last two bytes number the sample. */
export function makeSplit(count: number, stream: number): ImageSplit {
  const random = createRandom(99, stream)
  const pixels = new Uint8Array(count * imageBytes)
  const labels = new Uint8Array(count)
  for (let sample = 0; sample < count; sample++) {
    const image = pixels.subarray(sample * imageBytes, (sample + 1) * imageBytes)
    for (let feature = 0; feature < features; feature++) image[feature] = random.below(256)
    const sums = Array.from({ length: classes }, (_, index) => image[2 * index]! + image[2 * index + 1]!)
    labels[sample] = sums.indexOf(Math.max(...sums))
    image.set([sample & 0xff, sample >> 8], imageBytes - 2)
  }
  return { count, pixels, labels }
}

/** The numbers of the samples in pixels of `makeSplit`. */
export function sampleNumbers(pixels: Uint8Array): number[] {
  const numbers: number[] = []
  for (let end = imageBytes; end <= pixels.length; end += imageBytes) {
    numbers.push(pixels[end - 2]! + 256 * pixels[end - 1]!)
  }
  return numbers
}

/** A whole plan around the tiny model: 33 training samples make 4 batches of 10, the last one of 3. */
export function tinyPlan(changes: Partial<RunConfig> = {}, state: RunState = tinyState(changes)): RunPlan {
  const config = { ...tinyConfig, ...changes }
  return {
    identity: { runId: 'tiny-run', config, dataSha256: tinyData, layoutHash: '2'.repeat(64), topology: '{}' },
    config,
    classNames: ['left', 'middle', 'right'],
    dataSource: 'test',
    train: makeSplit(33, 1),
    validation: config.validationSplit === 0 ? null : makeSplit(9, 2),
    test: makeSplit(12, 3),
    arithmetic: plainArithmetic,
    optimizer: createOptimizer(config, tinyLayout),
    trainableSize: tinyTrainable,
    learningRateAt: createSchedule(config, 4),
    state,
    modelSummary: 'tiny',
    modelFiles: () => ({ 'model.json': '{}', 'weights.bin': new Uint8Array(4) }),
  }
}

export function tinyState(changes: Partial<RunConfig> = {}): RunState {
  const random = createRandom(5, 5)
  const weights = Float32Array.from({ length: tinySize }, () => random.below(1000) / 1000 - 0.5)
  return freshState(weights, createOptimizer({ ...tinyConfig, ...changes }, tinyLayout).initialState(tinyTrainable))
}

/** The state in the bytes of a checkpoint of the tiny plan. */
export function savedState(checkpoint: Uint8Array): RunState {
  return resumeState(decodeCheckpoint(checkpoint), tinyData, plainArithmetic)
}

/** The state in the newest checkpoint of a run of the tiny plan that can be used. */
export async function newestState(path: string): Promise<RunState> {
  const { checkpoint } = await findCheckpoint(path, { runId: 'tiny-run' })
  return resumeState(checkpoint, tinyData, plainArithmetic)
}
