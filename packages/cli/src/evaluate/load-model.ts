import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeUnusable, findCheckpoint, newestCheckpointStep, runFiles } from '@lockstep/coordinator'
import { createLayout, fromLayersModelFiles, readWeights, restoreModel, writeWeights } from '@lockstep/model'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { readSummary } from '../runs/read-run.ts'
import { readRunFacts } from '../runs/run-facts.ts'

export type LoadedModel = {
  readonly model: Awaited<ReturnType<typeof fromLayersModelFiles>>
  readonly weights: Float32Array
  /** Where the weights come from, for people. */
  readonly origin: string
}

/** The model that a run has saved at its end; where it was killed, or has gone on since, the one in its newest checkpoint. */
export async function loadModel(folder: string): Promise<LoadedModel> {
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
    return { model, weights: readWeights(model, createLayout(model)), origin: saved }
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
export async function loadTrainedModel(folder: string): Promise<LoadedModel> {
  const loaded = await loadModel(folder)
  writeWeights(loaded.model, createLayout(loaded.model), loaded.weights)
  return loaded
}

async function loadFromCheckpoint(folder: string): Promise<LoadedModel> {
  const found = await findCheckpoint(folder, { runId: (await readRunFacts(folder)).runId })
  const { checkpoint } = found
  const { model } = await restoreModel(checkpoint)
  const origin = [`checkpoint of step ${checkpoint.step}`, ...describeUnusable(found)].join('; ')
  return { model, weights: checkpoint.weights, origin }
}
