import * as tf from '@tensorflow/tfjs'
import { dataTypeOf, toAttributes } from './attributes.ts'
import { type ConstantData, type ConstantType, createConstant, expandConstant } from './constant.ts'
import { type Attributes, constantData, type Graph, type Value } from './graph.ts'
import {
  createSiblingBackend,
  type OperationAttribute,
  type TfjsNodeBackend,
  type TypedArray,
} from './tfjs-node-backend.ts'
import { bakedRandomError, randomOpError, valueReadError } from './trace-errors.ts'

/** The most elements of a folded constant: 256 KiB of float32. A single value that fills the shape has no limit. */
const largestFoldedConstant = 65_536
const randomOps: ReadonlySet<string> = new Set(['Multinomial', 'RandomUniform', 'RandomStandardNormal'])

/** The state of a recording: the graph so far, and the value in it that each tensor stands for. */
export type Recording = { readonly graph: Graph; readonly values: WeakMap<object, Value>; origin: string }

/** A tfjs backend that executes operations on tfjs-node's and also records them. */
export type TracingBackend = TfjsNodeBackend & {
  /** Records all further operations in this recording, or stops recording. */
  startRecording: (recording: Recording | undefined) => void
  valueFor: (tensor: tf.TensorInfo) => Value
  /** A tensor of zeros that stands for a value of the graph. */
  standIn: (value: Value) => tf.Tensor
}

/**
 * Creates a backend that executes every operation with tfjs-node and records it in a graph. The computed numbers mean
 * nothing (inputs are zeros), but TensorFlow thereby determines the shape and type of each result, and computes results
 * that depend on constants only. So everything that tfjs-node supports can be recorded, including tfjs's gradients.
 * Reading a number that depends on an input throws.
 */
export function createTracingBackend(native: TfjsNodeBackend): TracingBackend {
  const backend = createSiblingBackend(native)
  const { binding, tensorMap } = backend
  const original = { execute: backend.executeMultipleOutputs, write: backend.write, readSync: backend.readSync }
  /** Constants that were passed to TensorFlow, where they cannot be distinguished from results. */
  const constants = new WeakMap<object, ConstantData>()
  let recording: Recording | undefined

  function startRecording(next: Recording | undefined): void {
    recording = next
  }

  function valueFor({ dataId }: tf.TensorInfo): Value {
    const { graph, values, origin } = recording!
    const known = values.get(dataId)
    if (known !== undefined) return known
    const stored = constants.get(dataId) ?? takeConstant(dataId)
    if (stored === undefined) throw valueReadError('a tensor of another computation', origin)
    const value = graph.constant(stored)
    values.set(dataId, value)
    return value
  }

  function takeConstant(dataId: object): ConstantData | undefined {
    const { shape, dtype, values } = tensorMap.get(dataId)
    if (values === null) return undefined
    const constant = createConstant(dataTypeOf(dtype) as ConstantType, shape, values)
    constants.set(dataId, constant)
    return constant
  }

  function executeMultipleOutputs(
    op: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly tf.TensorInfo[],
    count: number,
  ): tf.Tensor[] {
    if (recording === undefined) return original.execute.call(backend, op, attributes, inputs, count)
    if (randomOps.has(op)) throw randomOpError(op, recording.origin)
    const values = inputs.map(valueFor)
    const outputs = original.execute.call(backend, op, attributes, inputs, count)
    if (!foldConstants(values, outputs)) record(recording, op, attributes, values, outputs)
    return outputs
  }

  /** Makes results constants if all inputs are constants. */
  function foldConstants(inputs: readonly Value[], outputs: readonly tf.Tensor[]): boolean {
    if (!inputs.every(constantData)) return false
    const results = outputs.map(({ dataId, dtype, shape }) =>
      createConstant(dtype as ConstantType, shape, binding.tensorDataSync(tensorMap.get(dataId).id)),
    )
    if (results.some(({ values }) => values.length > largestFoldedConstant)) return false
    for (const [index, { dataId }] of outputs.entries()) constants.set(dataId, results[index]!)
    return true
  }

  function record(
    { graph, values, origin }: Recording,
    op: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly Value[],
    outputs: readonly tf.Tensor[],
  ): void {
    const types = outputs.map(({ dataId }) => {
      const { shape, dtype } = tensorMap.get(dataId)
      return { shape, dtype: dataTypeOf(dtype) }
    })
    const all = { ...inferredAttributes(op, inputs), ...toAttributes(binding, attributes) }
    const node = graph.add({ op, inputs, attributes: all, outputs: types, origin })
    for (const [index, { dataId }] of outputs.entries()) values.set(dataId, node.outputs[index]!)
  }

  function write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    if (recording !== undefined && dtype === 'float32' && !isUniform(values as TypedArray)) {
      throw bakedRandomError(recording.origin)
    }
    return original.write.call(backend, values, shape, dtype)
  }

  function readSync(dataId: object): tf.BackendValues {
    const constant = constants.get(dataId)
    if (constant !== undefined) return expandConstant(constant)
    const node = recording?.values.get(dataId)?.node
    if (node !== undefined) throw valueReadError(node.op, node.origin || recording!.origin)
    return original.readSync.call(backend, dataId)
  }

  function standIn(value: Value): tf.Tensor {
    const dtype = value.dtype as ConstantType
    const values = expandConstant({ ...createConstant(dtype, [], [0]), shape: value.shape })
    const dataId = original.write.call(backend, values, [...value.shape], dtype)
    recording!.values.set(dataId, value)
    return tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...value.shape], dtype })
  }

  return Object.assign(backend, {
    startRecording,
    valueFor,
    standIn,
    executeMultipleOutputs,
    executeSingleOutput: (op: string, attributes: readonly OperationAttribute[], inputs: readonly tf.TensorInfo[]) =>
      executeMultipleOutputs(op, attributes, inputs, 1)[0]!,
    write,
    readSync,
    read: async (dataId: object) => readSync(dataId),
  })
}

/** Attributes that tfjs-node omits because TensorFlow infers them for a single operation; in a graph it does not. */
function inferredAttributes(op: string, [x]: readonly Value[]): Attributes {
  return op === 'ExpandDims' ? { T: { kind: 'type', value: x!.dtype } } : {}
}

function isUniform(values: TypedArray): boolean {
  return values.every(value => value === values[0])
}
