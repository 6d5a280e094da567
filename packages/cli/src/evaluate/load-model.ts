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
  /** Which they are, for who gets the model; `step` where a model saved by an earlier version does not say. */
  readonly identity: { readonly weights: WeightsName; readonly step: number | undefined }
  /** Where the weights come from, for people. */
  readonly origin: string
}

/**
 * The model that a run has saved at its end; where it was killed, or has gone on since, the one in its newest checkpoint. Or
 * that of its best epoch, from its checkpoint. Throws `model-damaged`, and as `findCheckpoint` and `findBestCheckpoint` do.
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

/** The same with the weights in the model, for whoever runs it by itself. */
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
