import { checkWeightsSize } from '../flat-weights.ts'
import type { ParameterLayout } from '../layout.ts'
import { tf } from '../tfjs.ts'
import type { Compile, CompilerInput } from './compiler.ts'
import type { GradientEngine, ShardEvaluation, ShardGradient } from './engine.ts'
import { createLogits } from './logits.ts'
import { summarizeShard } from './loss.ts'
import { modelIdentity } from './model-identity.ts'
import { createModelState } from './model-state.ts'
import { checkShard } from './shard.ts'
import { createShardTrace, type Mode } from './shard-trace.ts'

export type CompiledEngineOptions = {
  readonly compile: Compile
  readonly precision: 'float32' | 'bfloat16'
  /** Where compiled functions are kept for the next process; without it they are compiled anew. */
  readonly cacheFolder?: string | undefined
}

/**
 * An engine that runs each shard as one graph. It compiles one for every number of samples that it meets, when it meets
 * it. Non-trainable weights are the model's own: it reads them for every shard, and a gradient writes them.
 *
 * @throws LockstepError `model-no-softmax` at once; `shard-empty`, `shard-size`, `shard-label`, `weights-size` and what
 * the compiler throws from its functions.
 */
export function createCompiledEngine(
  model: tf.LayersModel,
  layout: ParameterLayout,
  { compile, precision, cacheFolder }: CompiledEngineOptions,
): GradientEngine {
  const logitsOf = createLogits(model)
  const state = createModelState(model)
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
      ...(state.size > 0 ? [{ name: 'state', shape: [state.size], dtype: 'float32' } as const] : []),
    ]
    const trace = createShardTrace(model, layout, logitsOf, mode)
    const sources = [new URL('.', import.meta.url)]
    const result = compile({ trace, inputs, precision, cacheFolder, identity: `${mode} ${identity}`, sources })
    functions.set(key, result)
    return result
  }

  async function run(mode: Mode, weights: Float32Array, pixels: Uint8Array, labels: Uint8Array) {
    checkShard(pixels, labels, pixelsPerSample, classes)
    checkWeightsSize(layout, weights)
    const { run } = await compiled(mode, labels.length)
    const inputs = [weights, pixels, labels]
    return run(state.size > 0 ? [...inputs, state.read()] : inputs)
  }

  async function gradient(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): Promise<ShardGradient> {
    const [losses, predictions, gradient, nextState] = await run('gradient', weights, pixels, labels)
    if (nextState !== undefined) state.write(nextState as Float32Array)
    const { lossSum, correct, count } = summarizeShard(losses!, predictions!, labels)
    return { lossSum, correct, count, gradient: gradient as Float32Array }
  }

  async function evaluate(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): Promise<ShardEvaluation> {
    const [losses, predictions] = await run('evaluate', weights, pixels, labels)
    return summarizeShard(losses!, predictions!, labels)
  }

  function dispose(): void {
    const release = (ready: Awaited<ReturnType<Compile>>) => ready.dispose()
    // One that could not be compiled has told so to whoever asked for it.
    for (const ready of functions.values()) void ready.then(release, () => {})
    functions.clear()
  }

  return { name: 'compiled', gradient, evaluate, dispose }
}
