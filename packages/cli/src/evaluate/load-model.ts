import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  describeSecondBest,
  describeUnusable,
  findBestCheckpoint,
  findCheckpoint,
  newestCheckpointStep,
  runFiles,
} from '@lockstep/coordinator'
import {
  createLayout,
  fromLayersModelFiles,
  type LayersModelMetadata,
  readWeights,
  restoreModel,
  writeWeights,
} from '@lockstep/model'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import type { WeightsName } from '../flags/common-flags.ts'
import { readSummary } from '../runs/read-run.ts'
import { readRunFacts } from '../runs/run-facts.ts'

export type LoadedModel = {
  readonly model: Awaited<ReturnType<typeof fromLayersModelFiles>>
  readonly weights: Float32Array
  /** Which weights these are, for the model's metadata. `step` is undefined if an earlier version saved the model. */
  readonly identity: { readonly weights: WeightsName; readonly step: number | undefined }
  /** The source of the weights, for people. */
  readonly origin: string
}

/**
 * Loads a run's model with its last or best weights. The last ones are from the model that the run saved at its end,
 * or, if it was killed or has been resumed since, from its newest checkpoint. The best ones are from the checkpoint of
 * the best epoch. Throws `model-damaged`, and as `findCheckpoint` and `findBestCheckpoint` do.
 */
export async function loadModel(folder: string, weights: WeightsName): Promise<LoadedModel> {
  if (weights === 'best') return loadBest(folder)
  const hasEnded = (await readSummary(folder)) !== null || (await newestCheckpointStep(folder)) === null
  return (hasEnded ? await loadSaved(folder) : null) ?? loadFromCheckpoint(folder)
}

async function loadSaved(folder: string): Promise<LoadedModel | null> {
  const saved = join(folder, runFiles.model)
  try {
    const json = await readFile(join(saved, 'model.json'), 'utf8')
    const model = await fromLayersModelFiles({
      'model.json': json,
      'weights.bin': await readFile(join(saved, 'weights.bin')),
    })
    const { step } = (model.getUserDefinedMetadata() ?? {}) as LayersModelMetadata
    const weights = readWeights(model, createLayout(model))
    return { model, weights, identity: { weights: 'last', step }, origin: saved }
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return null
    if (error instanceof LockstepError && error.code === 'model-files') throw damagedModel(saved, error)
    throw error
  }
}

function damagedModel(saved: string, cause: LockstepError): LockstepError {
  return new LockstepError('model-damaged', `${saved} is damaged`, {
    received: cause.received ?? cause.message,
    hint: 'Move that folder away: without it the model is taken from the newest checkpoint.',
    cause,
  })
}

/** Like `loadModel`, but also writes the weights into the model, for callers that run the model itself. */
export async function loadTrainedModel(folder: string, weights: WeightsName): Promise<LoadedModel> {
  const loaded = await loadModel(folder, weights)
  writeWeights(loaded.model, createLayout(loaded.model), loaded.weights)
  return loaded
}

async function loadFromCheckpoint(folder: string): Promise<LoadedModel> {
  const found = await findCheckpoint(folder, { runId: (await readRunFacts(folder)).runId })
  const { checkpoint } = found
  const { model } = await restoreModel(checkpoint)
  const { step, weights } = checkpoint
  const origin = [`checkpoint of step ${step}`, ...describeUnusable(found)].join('; ')
  return { model, weights, identity: { weights: 'last', step }, origin }
}

async function loadBest(folder: string): Promise<LoadedModel> {
  const found = await findBestCheckpoint(folder, { runId: (await readRunFacts(folder)).runId })
  const { model } = await restoreModel(found.checkpoint)
  const { step, weights } = found.checkpoint
  const origin = [`checkpoint of step ${step}, the end of epoch ${found.epoch}`, describeSecondBest(found)]
  return {
    model,
    weights,
    identity: { weights: 'best', step },
    origin: origin.filter(text => text !== null).join('; '),
  }
}
