import { checkWeightsSize } from '../flat-weights.ts'
import type { ParameterLayout } from '../layout.ts'
import { tf } from '../tfjs.ts'
import type { Compile, CompilerArray, CompilerInput } from './compiler.ts'
import type { GradientEngine, ShardEvaluation, ShardGradient } from './engine.ts'
import { createForwardPasses, plainTraining, type TrainingOptions } from './forward.ts'
import { summarizeShard } from './loss.ts'
import { modelIdentity } from './model-identity.ts'
import { checkKeys, checkShard } from './shard.ts'
import { createShardTrace, type Mode } from './shard-trace.ts'

export type CompiledEngineOptions = {
  readonly compile: Compile
  readonly precision: 'float32' | 'bfloat16'
  readonly training?: TrainingOptions
  /** Where compiled functions are cached for later processes. Without it each process compiles them again. */
  readonly cacheFolder?: string | undefined
}

/**
 * Creates an engine that runs each shard as one graph. It compiles a graph when it first gets a shard with that number
 * of samples. It does not read or write the model's own weights.
 *
 * @throws LockstepError `model-no-softmax`, `random-layer` and `model-dilation`. The engine's functions throw
 * `shard-empty`, `shard-size`, `shard-label`, `weights-size` and the compiler's errors.
 */
export function createCompiledEngine(
  model: tf.LayersModel,
  layout: ParameterLayout,
  { compile, precision, training = plainTraining, cacheFolder }: CompiledEngineOptions,
): GradientEngine {
  // Throws here, before the first shard, if the model cannot be trained.
  createForwardPasses(model, training)
  const identity = modelIdentity(model, layout)
  const sampleShape = model.inputs[0]!.shape.slice(1) as number[]
  const pixelsPerSample = tf.util.sizeFromShape(sampleShape)
  const classes = model.outputs[0]!.shape[1] as number
  const functions = new Map<string, ReturnType<Compile>>()

  function compiled(mode: Mode, count: number): ReturnType<Compile> {
    const key = `${mode} of ${count}`
    const existing = functions.get(key)
    if (existing !== undefined) return existing
    const inputs: readonly CompilerInput[] = [
      { name: 'weights', shape: [layout.size], dtype: 'float32' },
      { name: 'pixels', shape: [count, ...sampleShape], dtype: 'uint8' },
      { name: 'labels', shape: [count], dtype: 'uint8' },
      ...(mode === 'gradient' ? [{ name: 'keys', shape: [count], dtype: 'int32' } as const] : []),
    ]
    const result = compile({
      trace: createShardTrace(model, layout, training, mode),
      inputs,
      precision,
      cacheFolder,
      identity: JSON.stringify([mode, training, identity]),
      sources: ['.', '../random/', '../repairs/'].map(folder => new URL(folder, import.meta.url)),
    })
    functions.set(key, result)
    // This shard gets the error. The next one compiles again, since the cause, such as a full disk, may be gone.
    result.catch(() => functions.delete(key))
    return result
  }

  async function run(mode: Mode, inputs: readonly [Float32Array, Uint8Array, Uint8Array, ...CompilerArray[]]) {
    const [weights, pixels, labels] = inputs
    checkShard(pixels, labels, pixelsPerSample, classes)
    checkWeightsSize(layout, weights)
    const { run } = await compiled(mode, labels.length)
    return run(inputs)
  }

  async function gradient(
    weights: Float32Array,
    pixels: Uint8Array,
    labels: Uint8Array,
    keys: Int32Array,
  ): Promise<ShardGradient> {
    checkKeys(labels, keys)
    const [losses, predictions, gradient] = await run('gradient', [weights, pixels, labels, keys])
    const { lossSum, correct, count } = summarizeShard(losses!, predictions!, labels)
    return { lossSum, correct, count, gradient: gradient as Float32Array }
  }

  async function evaluate(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): Promise<ShardEvaluation> {
    const [losses, predictions] = await run('evaluate', [weights, pixels, labels])
    return summarizeShard(losses!, predictions!, labels)
  }

  function dispose(): void {
    const release = (ready: Awaited<ReturnType<Compile>>) => ready.dispose()
    // Failed compilations are ignored here: their callers have already got the error.
    for (const ready of functions.values()) void ready.then(release, () => {})
    functions.clear()
  }

  return { name: 'compiled', gradient, evaluate, dispose }
}
