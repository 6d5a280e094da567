import { LockstepError } from '@lockstep/protocol'
import { batchSizes } from './batch-constant.ts'
import { createConstant } from './constant.ts'
import { openBatch } from './open-batch.ts'
import { type Rule, rewrite } from './rewrite.ts'
import { encodeSavedModel } from './saved-model.ts'
import { simplify } from './simplify/index.ts'
import { type InputSpec, type Trace, type TraceFunction, trace } from './trace.ts'

export type ExportedWeight = {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export type ExportOptions = {
  /** Takes the batch, then the weights in order, and returns the outputs. */
  readonly trace: TraceFunction
  /** The batch; its shape is that of one sample. */
  readonly input: InputSpec
  /** Names of the outputs, in order. */
  readonly outputs: readonly string[]
  readonly weights: readonly ExportedWeight[]
}

const hint = 'Use --format tfjs or --format safetensors, which need no graph.'

/** A protocol buffer has at most 2³¹ − 1 bytes; everything except the weights takes far less than a megabyte. */
const largestWeightBytes = 2 ** 31 - 2 ** 20

/**
 * Encodes a function of a batch of any size as the file `saved_model.pb`, with one signature `serving_default` and the
 * weights as constants. Native TensorFlow must be loaded in this thread.
 * Throws LockstepError `export-too-large`, `export-batch`, and the errors of `trace`.
 */
export function exportSavedModel({ trace: compute, input, outputs, weights }: ExportOptions): Uint8Array {
  checkSize(weights)
  const traceBatch = (samples: number): Trace => {
    const batch = { ...input, shape: [samples, ...input.shape] }
    const parameters = weights.map(({ name, shape }): InputSpec => ({ name, shape, dtype: 'float32' }))
    return fixWeights(simplify(trace(compute, [batch, ...parameters])), weights)
  }
  try {
    return encodeSavedModel(openBatch([traceBatch(batchSizes[0]), traceBatch(batchSizes[1])]), outputs)
  } catch (error) {
    throw adviseOtherFormats(error)
  }
}

/**
 * Replaces the traced weights by constants. They are traced as inputs because a trace takes no numbers from JavaScript.
 */
function fixWeights({ graph, inputs, outputs }: Trace, weights: readonly ExportedWeight[]): Trace {
  const values = new Map(weights.map(weight => [weight.name, weight]))
  const fix: Rule = (fixed, { op, attributes }) => {
    const weight = op === 'Placeholder' ? values.get(String(attributes._name!.value)) : undefined
    return weight && [fixed.constant(createConstant('float32', weight.shape, weight.values))]
  }
  return rewrite({ graph, inputs: inputs.slice(0, 1), outputs }, [fix])
}

function checkSize(weights: readonly ExportedWeight[]): void {
  const bytes = weights.reduce((sum, { values }) => sum + values.byteLength, 0)
  if (bytes <= largestWeightBytes) return
  throw new LockstepError('export-too-large', 'the weights do not fit into one graph of TensorFlow', {
    expected: `at most ${largestWeightBytes} bytes, the limit of protocol buffers`,
    received: `${bytes}`,
    hint,
  })
}

/** Replaces the hint of a tracing error, which is for training, with one for export. */
function adviseOtherFormats(error: unknown): unknown {
  if (!(error instanceof LockstepError)) return error
  const { code, message, expected, received } = error
  return new LockstepError(code, message, { expected, received, hint, cause: error })
}
