import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { useBfloat16 } from '../../src/compile/bfloat16.ts'
import { reachable } from '../../src/compile/graph.ts'
import { simplify } from '../../src/compile/simplify/index.ts'
import { type InputSpec, type TraceFunction, trace } from '../../src/compile/trace.ts'
import { useTensorFlow } from '../../src/testing/use-tensorflow.ts'

beforeAll(useTensorFlow)

const images: InputSpec = { name: 'x', shape: [2, 4, 4, 3], dtype: 'float32' }
const rows: InputSpec = { name: 'x', shape: [4, 3], dtype: 'float32' }

/** The operations of the simplified graph, sorted, except inputs and constants. */
function operations(
  compute: TraceFunction,
  inputs: readonly InputSpec[],
  further = (x: ReturnType<typeof trace>) => x,
) {
  const { outputs } = further(simplify(trace(compute, inputs)))
  const dull = ['Placeholder', 'Const']
  return reachable(outputs)
    .map(({ op }) => op)
    .filter(op => !dull.includes(op))
    .sort()
}

const factors: InputSpec = { ...rows, name: 'factors' }

/** The gradient of Σ f(x) · factor. */
const gradientOf = (f: (x: tf.Tensor) => tf.Tensor, [x, factor]: readonly tf.Tensor[]) =>
  tf.grad(y => tf.sum(tf.mul(f(y), factor!)))(x!)

test('a computation on constants becomes a constant', () => {
  expect(operations(() => [tf.exp(tf.add(tf.ones([2]), tf.scalar(1)))], [])).toEqual([])
})

test('bytes are converted to float32 in one operation', () => {
  const bytes: InputSpec = { name: 'x', shape: [3], dtype: 'uint8' }
  expect(operations(([x]) => [tf.cast(x!, 'float32')], [bytes])).toEqual(['Cast'])
})

test('reshapes without effect are removed, and of consecutive reshapes only the last is kept', () => {
  expect(operations(([x]) => [tf.reshape(tf.reshape(x!, [3, 4]), [4, 3])], [rows])).toEqual([])
  expect(operations(([x]) => [tf.reshape(tf.reshape(x!, [3, 4]), [12])], [rows])).toEqual(['Reshape'])
})

test.each<[string, TraceFunction]>([
  ['x + 0', ([x]) => [tf.add(x!, 0)]],
  ['0 + x', ([x]) => [tf.add(0, x!)]],
  ['x − 0', ([x]) => [tf.sub(x!, 0)]],
  ['1 · x', ([x]) => [tf.mul(1, x!)]],
  ['x / 1', ([x]) => [tf.div(x!, 1)]],
])('%s becomes x', (_, compute) => {
  expect(operations(compute, [rows])).toEqual([])
})

test.each<[string, TraceFunction, string]>([
  ['0 − x', ([x]) => [tf.sub(0, x!)], 'Sub'],
  ['1 / x', ([x]) => [tf.div(1, x!)], 'RealDiv'],
  ['x · 0', ([x]) => [tf.mul(x!, 0)], 'Mul'],
])('%s does not become x', (_, compute, op) => {
  expect(operations(compute, [rows])).toEqual([op])
})

test('adding a vector along the last axis becomes BiasAdd, also with leading axes of size 1', () => {
  const vector: InputSpec = { name: 'b', shape: [3], dtype: 'float32' }
  expect(operations(([x, b]) => [tf.add(x!, b!)], [images, vector])).toEqual(['BiasAdd'])
  expect(operations(([x, b]) => [tf.add(x!, tf.reshape(b!, [1, 1, 1, 3]))], [images, vector])).toEqual(['BiasAdd'])
  expect(operations(([x, b]) => [tf.add(b!, x!)], [images, vector])).toEqual(['BiasAdd'])
})

test('adding a column does not become BiasAdd', () => {
  const column: InputSpec = { name: 'b', shape: [4, 1], dtype: 'float32' }
  expect(operations(([x, b]) => [tf.add(x!, b!)], [rows, column])).toEqual(['Add'])
})

test('only a sum over all axes but the last becomes BiasAddGrad', () => {
  expect(operations(([x]) => [tf.sum(x!, [0, 1, 2])], [images])).toEqual(['BiasAddGrad'])
  expect(operations(([x]) => [tf.sum(x!, [0, 1])], [images])).toEqual(['Sum'])
  expect(operations(([x]) => [tf.sum(x!, [0, 1, 2], true)], [images])).toEqual(['Sum'])
})

test.each<[string, (x: tf.Tensor) => tf.Tensor, readonly string[]]>([
  ['ReLU', x => tf.relu(x), ['ReluGrad']],
  ['ReLU6', x => tf.relu6(x), ['Relu6Grad']],
  ['leaky ReLU', x => tf.leakyRelu(x, 0.2), ['LeakyReluGrad']],
])('the gradient of %s becomes one operation', (_, activation, expected) => {
  expect(operations(inputs => [gradientOf(activation, inputs)], [rows, factors])).toEqual(expected)
})

test('the gradient of ReLU uses the output of ReLU if there is one', () => {
  const compute: TraceFunction = inputs => [tf.relu(inputs[0]!), gradientOf(x => tf.relu(x), inputs)]
  const { outputs } = simplify(trace(compute, [rows, factors]))
  expect(outputs[1]!.node.inputs[1]).toBe(outputs[0])
})

test('a gradient through pooling computes the gradients of ReLU and bias on the pooled elements', () => {
  const pooled: InputSpec = { name: 'factors', shape: [2, 2, 2, 3], dtype: 'float32' }
  const bias: InputSpec = { name: 'bias', shape: [3], dtype: 'float32' }
  const compute: TraceFunction = ([x, factor, b]) =>
    tf.grads((y: tf.Tensor, c: tf.Tensor) =>
      tf.sum(tf.mul(tf.maxPool(tf.relu(tf.add(y, c)) as tf.Tensor4D, 2, 2, 'valid'), factor!)),
    )([x!, b!])
  const { outputs } = simplify(trace(compute, [images, pooled, bias]))
  const [gradient, biasGradient] = outputs.map(({ node }) => node)
  expect(gradient!.op).toBe('MaxPoolGrad')
  expect(gradient!.inputs[2]!.node.op).toBe('ReluGrad')
  expect(gradient!.inputs[2]!.shape).toEqual([2, 2, 2, 3])
  expect(biasGradient!.op).toBe('BiasAddGrad')
  expect(biasGradient!.inputs[0]).toBe(gradient!.inputs[2])
})

test('a product of matrices becomes MatMul, and a batched product stays', () => {
  const square: InputSpec = { name: 'x', shape: [3, 3], dtype: 'float32' }
  const batch: InputSpec = { name: 'x', shape: [2, 3, 3], dtype: 'float32' }
  expect(operations(([x]) => [tf.matMul(x!, x!, true)], [square])).toEqual(['MatMul'])
  expect(operations(([x]) => [tf.matMul(x!, x!)], [batch])).toEqual(['BatchMatMulV2'])
})

test('cross-entropy and its gradient become one operation and a multiplication', () => {
  const labels: InputSpec = { name: 'labels', shape: [4], dtype: 'int32' }
  const losses = (logits: tf.Tensor, expected: tf.Tensor) =>
    tf.neg(tf.sum(tf.mul(tf.oneHot(expected as tf.Tensor1D, 3), tf.logSoftmax(logits)), 1))
  const compute: TraceFunction = ([x, expected]) => [
    losses(x!, expected!),
    tf.grad(logits => tf.mean(losses(logits, expected!)))(x!),
  ]
  expect(operations(compute, [rows, labels])).toEqual(['Mul', 'SparseSoftmaxCrossEntropyWithLogits'])
})

test('with bfloat16, matrix products are surrounded by conversions, each computed once', () => {
  const square: InputSpec = { name: 'x', shape: [3, 3], dtype: 'float32' }
  const compute: TraceFunction = ([x]) => [tf.matMul(x!, x!), tf.matMul(x!, x!, true)]
  // x to bfloat16 once for both, and both results back.
  expect(operations(compute, [square], useBfloat16)).toEqual(['Cast', 'Cast', 'Cast', 'MatMul', 'MatMul'])
})

test('the sum over one of several outputs of a node stays Sum, because oneDNN confuses outputs in BiasAddGrad', () => {
  const sums: TraceFunction = ([x]) => tf.split(x!, [1, 2], 3).map(part => tf.sum(part, [0, 1, 2]))
  expect(operations(sums, [images])).toEqual(['SplitV', 'Sum', 'Sum'])
})

test('the sum of two convolutions with biases gets one bias, which is added last', () => {
  const kernel: InputSpec = { name: 'kernel', shape: [1, 1, 3, 3], dtype: 'float32' }
  const biases: InputSpec = { name: 'biases', shape: [2, 3], dtype: 'float32' }
  const sum: TraceFunction = ([x, kernel, biases]) => {
    const convolve = (y: tf.Tensor, bias: tf.Tensor) =>
      tf.add(tf.conv2d(y as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same'), bias)
    const [a, b] = tf.unstack(biases!)
    return [tf.relu(tf.add(convolve(x!, a!), convolve(tf.relu(x!), b!)))]
  }
  const expected = ['AddV2', 'AddV2', 'BiasAdd', 'Conv2D', 'Conv2D', 'Relu', 'Relu', 'Unpack']
  expect(operations(sum, [images, kernel, biases])).toEqual(expected)
})
