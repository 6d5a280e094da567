import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { type CompileOptions, compileFunction, type InputSpec } from '../../src/compile/index.ts'
import { useTensorFlow } from '../../src/testing/use-tensorflow.ts'

beforeAll(useTensorFlow)

const vector: InputSpec = { name: 'x', shape: [4], dtype: 'float32' }

function compile(trace: CompileOptions['trace'], inputs: readonly InputSpec[] = [vector]) {
  return compileFunction({ trace, inputs, precision: 'float32', identity: '', sources: [] })
}

test('a compiled function computes the same as the traced one', async () => {
  const { run, dispose } = await compile(([x]) => [tf.add(tf.square(x!), 1), tf.argMax(x!)])
  expect(run([Float32Array.of(1, 2, 3, 0)])).toEqual([Float32Array.of(2, 5, 10, 1), Int32Array.of(2)])
  expect(run([Float32Array.of(9, 0, 0, 0)])).toEqual([Float32Array.of(82, 1, 1, 1), Int32Array.of(0)])
  dispose()
})

test('gradients of tfjs can be compiled', async () => {
  const { run } = await compile(([x]) => [tf.grad(y => tf.sum(tf.mul(tf.square(y), y)))(x!)])
  // (Σ y³)′ = 3y²
  expect(run([Float32Array.of(1, 2, 3, -1)])).toEqual([Float32Array.of(3, 12, 27, 3)])
})

test('bytes can be passed with any length and alignment', async () => {
  const inputs: readonly InputSpec[] = [{ name: 'bytes', shape: [5], dtype: 'uint8' }]
  const { run } = await compile(
    ([bytes]) => [tf.cast(bytes!, 'float32'), tf.add(bytes!, tf.scalar(1, 'int32'))],
    inputs,
  )
  const received = Uint8Array.of(0, 0, 0, 255, 1, 2, 128, 0)
  for (const offset of [0, 1, 2, 3]) {
    const bytes = received.subarray(offset, offset + 5)
    expect(run([bytes])).toEqual([Float32Array.from(bytes), Int32Array.from(bytes, byte => byte + 1)])
  }
})

test('two inputs of the same shape and type are distinguished', async () => {
  const { run } = await compile(([a, b]) => [tf.sub(a!, b!)], [vector, { ...vector, name: 'y' }])
  expect(run([Float32Array.of(5, 5, 5, 5), Float32Array.of(1, 2, 3, 4)])).toEqual([Float32Array.of(4, 3, 2, 1)])
})

test('a function can ignore its input', async () => {
  const { run } = await compile(() => [tf.fill([3], 7)])
  expect(run([new Float32Array(4)])).toEqual([Float32Array.of(7, 7, 7)])
})

test('tensors from outside the function become constants and keep their values', async () => {
  const table = tf.tensor1d([1, 10, 100, 1000])
  const { run } = await compile(([x]) => [tf.mul(x!, table)])
  expect(run([Float32Array.of(1, 2, 3, 4)])).toEqual([Float32Array.of(1, 20, 300, 4000)])
  expect(table.dataSync()).toEqual(Float32Array.of(1, 10, 100, 1000))
  table.dispose()
})

test('bfloat16 applies to matrix products and not to additions', async () => {
  const inputs: readonly InputSpec[] = [{ name: 'x', shape: [1, 1], dtype: 'float32' }]
  const options = { inputs, precision: 'bfloat16', identity: '', sources: [] } as const
  const { run } = await compileFunction({
    ...options,
    trace: ([x]) => [tf.add(x!, x!), tf.matMul(x!, x! as tf.Tensor2D)],
  })
  // bfloat16 keeps 8 bits: 257 = 1.00000001₂ · 2⁸ becomes 256.
  expect(run([Float32Array.of(257)])).toEqual([Float32Array.of(514), Float32Array.of(65_536)])
})

test('reading a value is rejected, and the error names the layer', async () => {
  const reads = compile(([x], enter) => {
    enter('layer peek')
    const [largest] = tf.max(x!).dataSync()
    return [tf.mul(x!, largest!)]
  })
  await expect(reads).rejects.toMatchObject({
    code: 'compile-value-read',
    message: 'layer peek reads the value of a tensor (Max)',
    hint: expect.stringContaining('--engine eager'),
  })
})

test('the values of constants can be read', async () => {
  const { run } = await compile(([x]) => [tf.mul(x!, tf.sum(tf.ones([3])).dataSync()[0]!)])
  expect(run([Float32Array.of(1, 2, 3, 4)])).toEqual([Float32Array.of(3, 6, 9, 12)])
})

test('random numbers are rejected because they would be the same in every step', async () => {
  const drops = compile(([x], enter) => {
    enter('layer dropout')
    return [tf.dropout(x!, 0.5)]
  })
  await expect(drops).rejects.toMatchObject({
    code: 'compile-random',
    message: 'layer dropout makes a tensor of numbers in JavaScript',
  })
  const draws = compile(([x]) => [tf.multinomial(x as tf.Tensor1D, 3)])
  await expect(draws).rejects.toMatchObject({ code: 'compile-random', message: expect.stringContaining('Multinomial') })
})

test('an error in tfjs is reported with its reason, and tfjs works afterwards', async () => {
  const unknown = compile(([x]) => [tf.engine().runKernel('NoSuchKernel', { x: x! })])
  await expect(unknown).rejects.toMatchObject({
    code: 'compile-unsupported',
    received: expect.stringContaining('NoSuchKernel'),
    hint: expect.stringContaining('--engine eager'),
  })
  expect(tf.getBackend()).toBe('tensorflow')
  expect(tf.tidy(() => tf.add(1, 2).dataSync())).toEqual(Float32Array.of(3))
})

test('compiling and running leave no tensors behind', async () => {
  const before = tf.memory().numTensors
  const { run, dispose } = await compile(([x]) => [tf.grad(y => tf.sum(tf.exp(y)))(x!)])
  for (let step = 0; step < 500; step++) run([Float32Array.of(1, 2, 3, 4)])
  dispose()
  expect(tf.memory().numTensors).toBe(before)
})
