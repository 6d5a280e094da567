import { predictProbabilities } from '@lockstep/model'
import { computeEnvironment, loadTensorFlow } from '@lockstep/tensorflow'
import type { ProgressStreams } from '../commands/streams.ts'
import { loadTrainedModel } from '../evaluate/load-model.ts'
import type { WeightsName } from '../flags/common-flags.ts'
import { provision } from '../provision.ts'
import { findRun } from '../runs/find-run.ts'
import { readRunFacts } from '../runs/run-facts.ts'
import { describePredictions, rankClasses } from './ranking.ts'
import { readImage } from './read-image.ts'

export type PredictOptions = {
  readonly reference: string
  readonly images: readonly string[]
  readonly runsFolder: string
  readonly weights: WeightsName
  readonly top: number
  readonly threads: number
  readonly offline: boolean
  readonly json: boolean
}

/** Classifies image files with a run's model. Throws as `findRun`, `readImage` and `loadTrainedModel` do. */
export async function predictImages(options: PredictOptions, { stdout, stderr }: ProgressStreams): Promise<void> {
  const folder = await findRun(options.reference, options.runsFolder)
  const facts = await readRunFacts(folder)
  const pixels = await readImages(options.images)
  Object.assign(process.env, computeEnvironment(options.threads))
  await loadTensorFlow(await provision(options.offline, stderr))
  const { model, origin } = await loadTrainedModel(folder, options.weights)
  if (options.weights === 'best') stderr.write(`from ${origin}\n`)
  const probabilities = predictProbabilities(model, pixels)
  const classes = facts.classNames.length
  const predictions = options.images.map((image, index) => {
    const ofImage = probabilities.subarray(index * classes, (index + 1) * classes)
    return rankClasses(image, ofImage, facts.classNames, options.top)
  })
  const lines = predictions.map(prediction => `${JSON.stringify(prediction)}\n`)
  stdout.write(options.json ? lines.join('') : describePredictions(predictions))
}

/** Reads the files one after the other, so that only one is in memory. */
async function readImages(files: readonly string[]): Promise<Uint8Array> {
  const images: Uint8Array[] = []
  for (const file of files) images.push(await readImage(file))
  return Buffer.concat(images)
}
