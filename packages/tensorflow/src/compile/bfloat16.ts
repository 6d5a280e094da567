import type { Graph, TensorType, Value } from './graph.ts'
import { type Rule, rewrite } from './rewrite.ts'
import { inputsOf, typeAttribute } from './simplify/match.ts'
import type { Trace } from './trace.ts'

/**
 * Take part in it from whatever they are given. The gradients of depthwise convolutions do not: TensorFlow has them in
 * bfloat16, but a step of mobilenet then takes 36 ms instead of 20; the convolution itself in bfloat16 makes it 18.
 */
const products: ReadonlySet<string> = new Set([
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'DepthwiseConv2dNative',
  'MatMul',
  'BatchMatMulV2',
])

/** Only move numbers or let them pass: what came from a product stays in bfloat16, at half the memory, and is the same. */
const followers: ReadonlySet<string> = new Set(['Relu', 'ReluGrad', 'MaxPool', 'MaxPoolGrad', 'Reshape', 'BiasAddGrad'])

/**
 * Convolutions and matrix products of bfloat16 operands, accumulated in float32. What follows them in a layer (bias,
 * normalization, ReLU, pooling) and leads to the next product stays in bfloat16 as well; all else is computed in float32.
 */
export function useBfloat16(trace: Trace): Trace {
  return rewrite(trace, [multiply, activate, normalize, follow])
}

const multiply: Rule = (graph, node) => {
  if (!products.has(node.op) || node.outputs[0]!.dtype !== 'float32') return undefined
  return inBfloat16(graph, node)
}

/** Bias and ReLU of a product, which TensorFlow fuses with it: the bias is added before the sum is rounded. */
const activate: Rule = (graph, node) => {
  const [sum, bias] = inputsOf(node.op === 'Relu' ? node.inputs[0] : undefined, 'BiasAdd') ?? []
  if (sum === undefined || narrow(sum) === undefined) return undefined
  const shifted = inBfloat16(graph, { ...node.inputs[0]!.node, inputs: [sum, bias!] })
  return inBfloat16(graph, { ...node, inputs: shifted })
}

/** How many inputs of a batch normalization are images; its weights and statistics are float32 always. */
const imagesOf: Readonly<Record<string, number>> = { FusedBatchNormV3: 1, FusedBatchNormGradV3: 2 }

/** Statistics are summed in float32 whatever the images are. */
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

/** The node with its float32 inputs in bfloat16, and its result back in float32. */
function inBfloat16(graph: Graph, node: Parameters<Rule>[1]): readonly Value[] {
  const inputs = node.inputs.map(input => (input.dtype === 'float32' ? cast(graph, input, 'bfloat16') : input))
  const attributes = { ...node.attributes, T: { kind: 'type', value: 'bfloat16' } } as const
  const result = graph.apply(node.op, inputs, attributes, { ...node.outputs[0]!, dtype: 'bfloat16' })
  return [cast(graph, result, 'float32')]
}

/** The bfloat16 that a float32 was made from. */
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
