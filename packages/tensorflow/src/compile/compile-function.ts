import * as tf from '@tensorflow/tfjs'
import { useBfloat16 } from './bfloat16.ts'
import { fingerprint } from './fingerprint.ts'
import { useFloat64 } from './float64.ts'
import { cachedFunction } from './function-cache.ts'
import { encodeSavedModel } from './saved-model.ts'
import type { CompiledFunction } from './session.ts'
import { simplify } from './simplify/index.ts'
import { tfjsNodeBackend } from './tfjs-node-backend.ts'
import { type InputSpec, type TraceFunction, trace } from './trace.ts'

/** float64 computes everything in double precision, for checks. */
export type Precision = 'float32' | 'bfloat16' | 'float64'

export type CompileOptions = {
  readonly trace: TraceFunction
  readonly inputs: readonly InputSpec[]
  /**
   * Precision of convolutions and matrix products. Everything else is float32, unless the precision is float64. Inputs
   * and outputs are always float32.
   */
  readonly precision: Precision
  /** Where compiled functions are cached; without it nothing is cached. */
  readonly cacheFolder?: string | undefined
  /** Everything that the traced function depends on besides the shapes of its inputs. */
  readonly identity: string
  /** Folders with the code of the traced function, whose contents are part of its identity. */
  readonly sources: readonly URL[]
}

export type CompileFunction = (options: CompileOptions) => Promise<CompiledFunction>

/**
 * Compiles a function of tensors to one TensorFlow graph, or takes it from the cache. Native TensorFlow must be loaded
 * in this thread.
 * Throws LockstepError `compile-no-tensorflow`, `compile-value-read`, `compile-random` or `compile-unsupported`.
 */
export const compileFunction: CompileFunction = async options => {
  const { inputs, precision, cacheFolder, identity, sources } = options
  const { binding } = tfjsNodeBackend()
  const key = fingerprint(
    [identity, inputs, precision, binding.TF_Version, tf.version.tfjs],
    [new URL('.', import.meta.url), ...sources],
  )
  return await cachedFunction({ binding, cacheFolder, key, inputs, build: () => buildGraph(options) })
}

function buildGraph({ trace: compute, inputs, precision }: CompileOptions): Uint8Array {
  const traced = trace(compute, inputs)
  if (precision === 'float64') return encodeSavedModel(useFloat64(traced))
  const simplified = simplify(traced)
  return encodeSavedModel(precision === 'bfloat16' ? useBfloat16(simplified) : simplified)
}
