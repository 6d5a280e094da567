import type { Graph, TensorType, Value } from './graph.ts'
import { type Rule, rewrite } from './rewrite.ts'
import { inputsOf, typeAttribute } from './simplify/match.ts'
import type { Trace } from './trace.ts'

/**
 * Operations that are always computed in bfloat16. The gradients of depthwise convolutions are not among them:
 * TensorFlow supports them, but with them a step of mobilenet takes 36 ms instead of 20. With the depthwise convolution
 * itself in bfloat16 it takes 18 ms.
 */
const products: ReadonlySet<string> = new Set([
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'DepthwiseConv2dNative',
  'MatMul',
  'BatchMatMulV2',
])

/** Operations that stay in bfloat16 after a product: the numbers are the same, at half the memory. */
const followers: ReadonlySet<string> = new Set(['Relu', 'ReluGrad', 'MaxPool', 'MaxPoolGrad', 'Reshape', 'BiasAddGrad'])

/**
 * Rewrites a trace to compute convolutions and matrix products with bfloat16 operands, accumulated in float32. The
 * operations between one product and the next (bias, normalization, ReLU, pooling) stay in bfloat16 as well; everything
 * else is computed in float32.
 */
export function useBfloat16(trace: Trace): Trace {
  return rewrite(trace, [multiply, activate, normalize, follow])
}

const multiply: Rule = (graph, node) => {
  if (!products.has(node.op) || node.outputs[0]!.dtype !== 'float32') return undefined
  return inBfloat16(graph, node)
}

/** Bias and ReLU after a product. TensorFlow fuses them with it and adds the bias before it rounds the sum. */
const activate: Rule = (graph, node) => {
  const [sum, bias] = inputsOf(node.op === 'Relu' ? node.inputs[0] : undefined, 'BiasAdd') ?? []
  if (sum === undefined || narrow(sum) === undefined) return undefined
  const shifted = inBfloat16(graph, { ...node.inputs[0]!.node, inputs: [sum, bias!] })
  return inBfloat16(graph, { ...node, inputs: shifted })
}

/** How many inputs of a batch normalization are images. Its weights and statistics are always float32. */
const imagesOf: Readonly<Record<string, number>> = { FusedBatchNormV3: 1, FusedBatchNormGradV3: 2 }

/** TensorFlow sums the statistics in float32, whatever the type of the images. */
const normalize: Rule = (graph, node) => {
  const images = node.inputs.slice(0, imagesOf[node.op] ?? 0)
  if (images.length === 0 || images.some(image => narrow(image) === undefined)) return undefined
  const inputs = node.inputs.map((input, at) => (at < images.length ? cast(graph, input, 'bfloat16') : input))
  const attributes = { ...node.attributes, T: typeAttribute('bfloat16') }
  const [image, ...others] = node.outputs
  const outputs = [{ ...image!, dtype: 'bfloat16' as const }, ...others]
  const [result, ...rest] = graph.add({ ...node, inputs, attributes, outputs }).outputs
  return [cast(graph, result!, 'float32'), ...rest]
}

const follow: Rule = (graph, node) => {
  if (!followers.has(node.op)) return undefined
  const floats = node.inputs.filter(({ dtype }) => dtype === 'float32')
  if (floats.length === 0 || floats.some(value => narrow(value) === undefined)) return undefined
  return inBfloat16(graph, node)
}

/** Converts the node's float32 inputs to bfloat16, and its result back to float32. */
function inBfloat16(graph: Graph, node: Parameters<Rule>[1]): readonly Value[] {
  const inputs = node.inputs.map(input => (input.dtype === 'float32' ? cast(graph, input, 'bfloat16') : input))
  const attributes = { ...node.attributes, T: { kind: 'type', value: 'bfloat16' } } as const
  const result = graph.apply(node.op, inputs, attributes, { ...node.outputs[0]!, dtype: 'bfloat16' })
  return [cast(graph, result, 'float32')]
}

/** The bfloat16 value from which a float32 value was cast, if any. */
function narrow(value: Value): Value | undefined {
  const [source] = inputsOf(value, 'Cast') ?? []
  return source?.dtype === 'bfloat16' ? source : undefined
}

function cast(graph: Graph, value: Value, dtype: TensorType['dtype']): Value {
  const source = narrow(value)
  if (dtype === 'bfloat16' && source !== undefined) return source
  const attributes = { SrcT: { kind: 'type', value: value.dtype }, DstT: { kind: 'type', value: dtype } } as const
  return graph.apply('Cast', [value], attributes, { shape: value.shape, dtype })
}
