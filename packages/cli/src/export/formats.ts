import { join } from 'node:path'
import {
  createInferenceTrace,
  createLayout,
  namedWeights,
  toLayersModelFiles,
  usePlainJavaScript,
  weightsSha256,
} from '@lockstep/model'
import { LockstepError, modelTitle } from '@lockstep/protocol'
import { computeEnvironment, exportSavedModel, loadTensorFlow, savedModelFile } from '@lockstep/tensorflow'
import type { LoadedModel } from '../evaluate/load-model.ts'
import { provision } from '../provision.ts'
import type { RunFacts } from '../runs/run-facts.ts'
import type { ExportFormat } from './format-names.ts'
import { encodeSafetensors } from './safetensors.ts'

/** A model to export, with its trained weights. */
export type Trained = LoadedModel & { readonly facts: RunFacts }

export type FormatWriter = {
  /** Name of the file or folder if the user gives none. */
  readonly defaultName: string
  /** The files that will be written for a given destination. */
  readonly paths: (destination: string) => readonly string[]
  /** Selects the backend that `encode` needs, before the model is loaded. */
  readonly prepare: (offline: boolean, people: NodeJS.WriteStream) => Promise<unknown>
  /** The contents of the files, in the order of `paths`. */
  readonly encode: (trained: Trained) => readonly (Uint8Array | string)[]
}

/** TensorFlow ignores the contents of `assets.extra`. */
const labelsFile = join('assets.extra', 'labels.txt')
const weightsFile = join('assets.extra', 'weights.json')

function needsTensorFlow(): LockstepError {
  return new LockstepError('export-no-tensorflow', 'a SavedModel can only be exported with TensorFlow', {
    hint: 'Run `pnpm cli doctor` to see what is missing, or use --format tfjs or safetensors.',
  })
}

export const formats: Readonly<Record<ExportFormat, FormatWriter>> = {
  'saved-model': {
    defaultName: 'saved-model',
    paths: folder => [savedModelFile, labelsFile, weightsFile].map(file => join(folder, file)),
    prepare: async (offline, people) => {
      Object.assign(process.env, computeEnvironment(1))
      const { backend } = await loadTensorFlow(await provision(offline, people))
      if (backend !== 'tensorflow') throw needsTensorFlow()
    },
    encode: ({ model, weights, identity, facts }) => [
      exportSavedModel({
        trace: createInferenceTrace(model),
        input: { name: 'pixels', shape: model.inputs[0]!.shape.slice(1) as number[], dtype: 'uint8' },
        outputs: ['probabilities', 'class'],
        weights: namedWeights(model),
      }),
      facts.classNames.map(name => `${name}\n`).join(''),
      `${JSON.stringify({ ...identity, weightsSha256: weightsSha256(weights) }, null, 2)}\n`,
    ],
  },
  tfjs: {
    defaultName: 'tfjs',
    paths: folder => [join(folder, 'model.json'), join(folder, 'weights.bin')],
    prepare: usePlainJavaScript,
    encode: ({ model, weights, identity, facts }) => {
      const metadata = { classNames: facts.classNames, ...identity }
      const files = toLayersModelFiles(model, createLayout(model), weights, metadata)
      return [files['model.json'], files['weights.bin']]
    },
  },
  safetensors: {
    defaultName: 'model.safetensors',
    paths: file => [file],
    prepare: usePlainJavaScript,
    encode: ({ model, weights, identity, facts }) => [
      encodeSafetensors(namedWeights(model), {
        classNames: JSON.stringify(facts.classNames),
        // The title only: the path of the model's file on this machine should not leave it.
        config: JSON.stringify({ ...facts.config, model: modelTitle(facts.config.model) }),
        weightsSha256: weightsSha256(weights),
        weights: identity.weights,
        ...(identity.step !== undefined && { step: String(identity.step) }),
      }),
    ],
  },
}
