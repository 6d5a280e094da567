import type { tf } from '../tfjs.ts'

export type CompilerArray = Float32Array | Int32Array | Uint8Array

export type CompilerInput = {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: 'float32' | 'int32' | 'uint8'
}

/** The compiler that the compiled engine needs, such as `compileFunction` of @lockstep/tensorflow. */
export type Compile = (options: {
  /** Called once with tensors that have no values, unless the function is in the cache. */
  readonly trace: (inputs: readonly tf.Tensor[], enter: (origin: string) => void) => readonly tf.Tensor[]
  readonly inputs: readonly CompilerInput[]
  readonly precision: 'float32' | 'bfloat16'
  readonly cacheFolder?: string | undefined
  readonly identity: string
  readonly sources: readonly URL[]
}) => Promise<{
  readonly run: (inputs: readonly CompilerArray[]) => readonly CompilerArray[]
  readonly dispose: () => void
}>
