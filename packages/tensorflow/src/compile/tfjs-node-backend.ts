import { LockstepError } from '@lockstep/protocol'
import * as tf from '@tensorflow/tfjs'

export type TypedArray = Float32Array | Int32Array | Uint8Array

/** An attribute of a tfjs-node operation; `type` is one of the binding's TF_ATTR_ numbers. */
export type OperationAttribute = { readonly name: string; readonly type: number; readonly value: unknown }

/** The part of tfjs-node's native binding that is used here. Tensors and graphs are identified by numbers. */
export type NativeBinding = {
  readonly createTensor: (shape: readonly number[], dtype: number, values: TypedArray) => number
  readonly deleteTensor: (tensor: number) => void
  readonly tensorDataSync: (tensor: number) => TypedArray
  readonly loadSavedModel: (folder: string, tags: string) => number
  readonly runSavedModel: (
    savedModel: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ) => readonly { readonly id: number }[]
  readonly deleteSavedModel: (savedModel: number) => void
  /** The numbers of TensorFlow's data types and attribute types, by name (`TF_FLOAT`, `TF_ATTR_INT`). */
  readonly [constant: `TF_${Uppercase<string>}`]: number
  /** Such as 2.21.0. */
  readonly TF_Version: string
}

/** A tensor of tfjs-node: values not yet passed to TensorFlow, or the number of a TensorFlow tensor. */
export type StoredTensor = {
  readonly shape: readonly number[]
  readonly dtype: number
  readonly values: TypedArray | null
  readonly id: number
}

/** The part of tfjs-node's backend that is used here. All its kernels go through the two `execute` functions. */
export type TfjsNodeBackend = tf.KernelBackend & {
  readonly binding: NativeBinding
  readonly tensorMap: { get: (dataId: object) => StoredTensor }
  executeSingleOutput: (
    op: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly tf.TensorInfo[],
  ) => tf.Tensor
  executeMultipleOutputs: (
    op: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ) => tf.Tensor[]
}

/** The loaded tfjs-node backend. Throws LockstepError `compile-no-tensorflow` if another backend is selected. */
export function tfjsNodeBackend(): TfjsNodeBackend {
  const backend = tf.getBackend() === 'tensorflow' ? tf.findBackend('tensorflow') : null
  if (backend !== null) return backend as TfjsNodeBackend
  throw new LockstepError('compile-no-tensorflow', 'only native TensorFlow runs compiled functions', {
    expected: 'the backend tensorflow',
    received: tf.getBackend() || 'none',
    hint: 'Use --engine eager, or run `pnpm cli doctor` to see why TensorFlow is not available.',
  })
}

/** Creates a second backend with the same binding but its own tensors. */
export function createSiblingBackend(backend: TfjsNodeBackend): TfjsNodeBackend {
  const Backend = backend.constructor as new (binding: NativeBinding, packageName: string) => TfjsNodeBackend
  return new Backend(backend.binding, '@tensorflow/tfjs-node')
}
