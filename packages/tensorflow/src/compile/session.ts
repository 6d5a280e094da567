import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataTypeNumbers } from './attributes.ts'
import { readOutputNames, savedModelFile, savedModelTag } from './saved-model.ts'
import type { NativeBinding, TypedArray } from './tfjs-node-backend.ts'
import type { InputSpec } from './trace.ts'

/** A function that TensorFlow runs as one graph. */
export type CompiledFunction = {
  /** Takes for each input an array of exactly its shape's size, at any alignment. Returns new arrays. */
  readonly run: (inputs: readonly TypedArray[]) => readonly TypedArray[]
  readonly dispose: () => void
}

/** Loads a SavedModel made by `encodeSavedModel`. Throws the errors of TensorFlow and protobufjs for a broken one. */
export function loadSession(binding: NativeBinding, folder: string, specs: readonly InputSpec[]): CompiledFunction {
  const outputNames = readOutputNames(readFileSync(join(folder, savedModelFile))).join(',')
  const inputNames = specs.map(({ name }) => `${name}:0`).join(',')
  const savedModel = binding.loadSavedModel(folder, savedModelTag)

  function run(inputs: readonly TypedArray[]): readonly TypedArray[] {
    const tensors: number[] = []
    try {
      for (const [index, { shape, dtype }] of specs.entries()) {
        tensors.push(binding.createTensor(shape, dataTypeNumbers[dtype], inputs[index]!))
      }
      const outputs = binding.runSavedModel(savedModel, tensors, inputNames, outputNames).map(({ id }) => id)
      tensors.push(...outputs)
      return outputs.map(output => binding.tensorDataSync(output))
    } finally {
      for (const tensor of tensors) binding.deleteTensor(tensor)
    }
  }

  return { run, dispose: () => binding.deleteSavedModel(savedModel) }
}
