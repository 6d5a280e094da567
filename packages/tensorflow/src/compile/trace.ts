import * as tf from '@tensorflow/tfjs'
import { createGraph, type DataType, type Graph, type Value } from './graph.ts'
import { tfjsNodeBackend } from './tfjs-node-backend.ts'
import { unsupportedError } from './trace-errors.ts'
import { createTracingBackend, type Recording, type TracingBackend } from './tracing-backend.ts'

const backendName = 'lockstep-trace'

/** An input of a compiled function. */
export type InputSpec = {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: Extract<DataType, 'float32' | 'int32' | 'uint8'>
}

/**
 * The function to compile. It takes a tensor for each input (int32 for uint8) and returns the outputs, float32 or
 * int32. It calls `enter` with the name of each part that begins (`layer conv1`), so that messages can name it.
 */
export type TraceFunction = (inputs: readonly tf.Tensor[], enter: (origin: string) => void) => readonly tf.Tensor[]

export type Trace = { readonly graph: Graph; readonly inputs: readonly Value[]; readonly outputs: readonly Value[] }

let registered: TracingBackend | undefined

/**
 * Calls a function once on a tracing backend and returns the graph of its operations. Tensors that are not its inputs
 * or results become constants.
 * Throws LockstepError `compile-no-tensorflow`, `compile-value-read`, `compile-random` or `compile-unsupported`.
 */
export function trace(compute: TraceFunction, specs: readonly InputSpec[]): Trace {
  const selected = tf.getBackend()
  const backend = tracingBackend()
  const recording: Recording = { graph: createGraph(), values: new WeakMap(), origin: '' }
  const inputs = specs.map(spec => addPlaceholder(recording.graph, spec))
  const enter = (origin: string) => {
    recording.origin = origin
  }
  select(backendName)
  tf.engine().startScope()
  backend.startRecording(recording)
  try {
    const tensors = compute(
      inputs.map(value => backend.standIn(asNumbers(recording.graph, value))),
      enter,
    )
    const outputs = tensors.map(backend.valueFor)
    // Outputs protected by tf.keep would outlive the scope.
    for (const tensor of tensors) tensor.dispose()
    return { graph: recording.graph, inputs, outputs }
  } catch (error) {
    throw unsupportedError(error, recording.origin)
  } finally {
    backend.startRecording(undefined)
    tf.engine().endScope()
    select(selected)
  }
}

function addPlaceholder(graph: Graph, { name, shape, dtype }: InputSpec): Value {
  const attributes = {
    dtype: { kind: 'type', value: dtype },
    shape: { kind: 'shape', value: shape },
    // Distinguishes inputs of the same type.
    _name: { kind: 'string', value: name },
  } as const
  return graph.apply('Placeholder', [], attributes, { shape, dtype })
}

/** tfjs has no uint8. */
function asNumbers(graph: Graph, value: Value): Value {
  if (value.dtype !== 'uint8') return value
  const attributes = { SrcT: { kind: 'type', value: 'uint8' }, DstT: { kind: 'type', value: 'int32' } } as const
  return graph.apply('Cast', [value], attributes, { shape: value.shape, dtype: 'int32' })
}

/** Takes effect immediately, although setBackend is asynchronous: the backend is already initialized. */
function select(name: string): void {
  void tf.setBackend(name)
}

function tracingBackend(): TracingBackend {
  if (registered !== undefined) return registered
  const backend = createTracingBackend(tfjsNodeBackend())
  tf.registerBackend(backendName, () => backend, 0)
  tf.findBackend(backendName)
  for (const kernel of tf.getKernelsForBackend('tensorflow')) tf.registerKernel({ ...kernel, backendName })
  registered = backend
  return backend
}
