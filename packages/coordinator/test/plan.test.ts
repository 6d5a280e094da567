import { type DataSet, dataSetSha256, imageShape, takeFirst } from '@lockstep/data'
import {
  createLayout,
  decodeCheckpoint,
  fromLayersModelFiles,
  fromTopology,
  readWeights,
  weightsSha256,
} from '@lockstep/model'
import type { RunConfig } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { planRun } from '../src/plan.ts'
import { encodeState } from '../src/run-state.ts'
import { makeSplit, tinyConfig } from './support/tiny-plan.ts'

const dataSet: DataSet = {
  name: 'synthetic',
  imageShape,
  classNames: ['left', 'middle', 'right'],
  train: makeSplit(40, 1),
  test: makeSplit(12, 3),
  source: 'memory',
}

const plan = (changes: Partial<RunConfig> = {}, checkpoint: Uint8Array | null = null) => {
  const saved = checkpoint === null ? null : decodeCheckpoint(checkpoint)
  return planRun({ runId: 'r', config: { ...tinyConfig, ...changes }, dataSet, checkpoint: saved })
}

describe('a plan', () => {
  test('trains on the first samples and validates on the last', async () => {
    const { train, validation, test: held } = await plan({ validationSplit: 0.2 })
    // The last fifth of 40.
    expect([train.count, validation?.count, held.count]).toEqual([32, 8, 12])
    expect(Buffer.compare(train.pixels, takeFirst(dataSet.train, 32).pixels)).toBe(0)
    expect(Buffer.compare(validation!.pixels, dataSet.train.pixels.subarray(32 * 3072))).toBe(0)
    expect([...validation!.labels]).toEqual([...dataSet.train.labels.subarray(32)])
  })

  test('splits the training set after limiting it', async () => {
    const { train, validation, test: held } = await plan({ limitTrain: 10, limitTest: 5, validationSplit: 0.2 })
    expect([train.count, validation?.count, held.count]).toEqual([8, 2, 5])
    expect([...validation!.labels]).toEqual([...dataSet.train.labels.subarray(8, 10)])
  })

  test('has no validation set when nothing is split off', async () => {
    const { train, validation } = await plan({ validationSplit: 0 })
    expect([train.count, validation]).toEqual([40, null])
  })

  test('computes its schedule from the number of training samples', async () => {
    const half = { validationSplit: 0.5, batchSize: 10, epochs: 2, schedule: 'step', learningRate: 1 } as const
    const { learningRateAt } = await plan(half)
    // Twice 20 samples are four steps. The rate is a tenth after half of them, a hundredth after three quarters.
    expect([0, 1, 2, 3].map(learningRateAt)).toEqual([1, 1, 0.1, 0.01])
  })

  test('refuses a limit above the number of samples', async () => {
    await expect(plan({ limitTrain: 41 })).rejects.toMatchObject({ kind: 'usage' })
  })

  test('starts with the weights of its seed and identifies its data', async () => {
    const [first, again, other] = [await plan(), await plan(), await plan({ seed: 8 })]
    const sha256 = (each: typeof first) => weightsSha256(each.state.weights)
    expect(sha256(again)).toBe(sha256(first))
    expect(sha256(other)).not.toBe(sha256(first))
    expect(first.identity).toMatchObject({ runId: 'r', dataSha256: dataSetSha256(dataSet) })
    // The reference net has 258,762 parameters with 10 classes: here less 7 outputs of 128 weights and a bias.
    expect(first.state.weights).toHaveLength(258_762 - 7 * 129)
    expect(first.modelSummary).toContain('257,859')
  })

  test('resumes the state of a checkpoint', async () => {
    const { identity, state } = await plan()
    state.weights.fill(0.5)
    state.step = 3
    const resumed = await plan({ epochs: 9 }, encodeState(identity, state))
    expect(resumed.state).toEqual(state)
    expect(resumed.identity.config.epochs).toBe(9)
  })

  test('takes the layers from the checkpoint, not from the model file', async () => {
    const { identity, state } = await plan()
    const config = { ...identity.config, model: 'gone.ts' }
    const resumed = await plan({ model: 'gone.ts' }, encodeState({ ...identity, config }, state))
    expect(resumed.identity).toEqual({ ...identity, config })
    expect(createLayout(await fromTopology(resumed.identity.topology)).hash).toBe(identity.layoutHash)
    await expect(plan({ model: 'gone.ts' })).rejects.toMatchObject({ code: 'model-file-missing' })
  })

  test('refuses a checkpoint whose weights do not fit its layers', async () => {
    const { identity, state } = await plan()
    const checkpoint = encodeState({ ...identity, layoutHash: '0'.repeat(64) }, state)
    await expect(plan({}, checkpoint)).rejects.toMatchObject({
      code: 'checkpoint-layout',
      received: identity.layoutHash,
    })
  })

  test('refuses a checkpoint of another data set', async () => {
    const { identity, state } = await plan()
    const checkpoint = encodeState({ ...identity, dataSha256: '0'.repeat(64) }, state)
    await expect(plan({}, checkpoint)).rejects.toMatchObject({ code: 'resume-mismatch' })
  })

  test('exports the model with its current weights', async () => {
    const { state, modelFiles } = await plan()
    state.weights[0] = 0.125
    const model = await fromLayersModelFiles(modelFiles())
    expect(readWeights(model, createLayout(model))).toEqual(state.weights)
    expect(model.getUserDefinedMetadata()).toEqual({ classNames: dataSet.classNames, weights: 'last', step: 0 })
  })
})
