import type { Attribute, Attributes, Graph, GraphNode, TensorType, Value } from './graph.ts'
import { type Rule, rewrite } from './rewrite.ts'
import { typeAttribute } from './simplify/match.ts'
import type { Trace } from './trace.ts'

/** Operations that have no float64 version, or work on the bits of a float32. */
const float32Only: ReadonlySet<string> = new Set([
  'Placeholder',
  'Const',
  'Bitcast',
  'ResizeBilinear',
  'FusedBatchNormGradV3',
])

/**
 * Rewrites a trace to compute in float64 instead of float32; inputs, constants and outputs stay float32. It is slow and
 * meant for checks, in which differences of nearly equal values must keep their digits.
 */
export function useFloat64(trace: Trace): Trace {
  const { graph, inputs, outputs } = rewrite(trace, [keepFloat32, expandBatchNorm, expandBatchNormTraining, widen])
  return {
    graph,
    // The rewritten value of an input is its conversion; return the input itself.
    inputs: inputs.map(({ node, ...value }) => (node.op === 'Cast' ? node.inputs[0]! : { node, ...value })),
    outputs: outputs.map(value => convert(graph, value, 'float64', 'float32')),
  }
}

const keepFloat32: Rule = (graph, node) => {
  if (!float32Only.has(node.op)) return undefined
  const inputs = node.inputs.map(value => convert(graph, value, 'float64', 'float32'))
  return graph.add({ ...node, inputs }).outputs.map(value => convert(graph, value, 'float32', 'float64'))
}

const widen: Rule = (graph, node) => {
  const attributes = Object.entries(node.attributes).map(([name, attribute]) => [name, widenAttribute(attribute)])
  const outputs = node.outputs.map(({ shape, dtype }) => ({ shape, dtype: dtype === 'float32' ? 'float64' : dtype }))
  return graph.add({ ...node, attributes: Object.fromEntries(attributes), outputs: outputs as TensorType[] }).outputs
}

const T: Attributes = { T: typeAttribute('float64') }

/** (x − mean) / √(variance + epsilon) · scale + offset; tfjs passes all of these to the operation. */
const expandBatchNorm: Rule = (graph, node) => {
  if (node.op !== 'FusedBatchNorm') return undefined
  return [normalize(graph, node, node.inputs[3]!, node.inputs[4]!)]
}

/** The same with the statistics of the batch. The operation returns their variance with divisor n − 1. */
const expandBatchNormTraining: Rule = (graph, node) => {
  if (node.op !== 'FusedBatchNormV3') return undefined
  const [x, scale] = node.inputs as [Value, Value]
  const axes = graph.constant({ dtype: 'int32', shape: [3], values: Int32Array.of(0, 1, 2) })
  const meanOf = (value: Value) => graph.apply('Mean', [value, axes], { ...T, Tidx: typeAttribute('int32') }, scale)
  const mean = meanOf(x)
  const variance = meanOf(graph.apply('SquaredDifference', [x, mean], T, x))
  const rows = x.shape[0]! * x.shape[1]! * x.shape[2]!
  const unbiased = graph.apply('Mul', [variance, number(graph, rows / Math.max(rows - 1, 1))], T, variance)
  // The last three are for the gradient.
  return [normalize(graph, node, mean, variance), mean, unbiased, mean, variance, mean]
}

function normalize(graph: Graph, node: GraphNode, mean: Value, variance: Value): Value {
  const [x, scale, offset] = node.inputs as [Value, Value, Value]
  const epsilon = number(graph, Number(node.attributes.epsilon?.value))
  const inverse = graph.apply('Rsqrt', [graph.apply('AddV2', [variance, epsilon], T, variance)], T, variance)
  const centred = graph.apply('Sub', [x, mean], T, x)
  const scaled = graph.apply('Mul', [centred, graph.apply('Mul', [inverse, scale], T, scale)], T, x)
  return graph.apply('AddV2', [scaled, offset], T, x)
}

function number(graph: Graph, value: number): Value {
  const constant = graph.constant({ dtype: 'float32', shape: [], values: Float32Array.of(value) })
  return convert(graph, constant, 'float32', 'float64')
}

function widenAttribute(attribute: Attribute): Attribute {
  return attribute.kind === 'type' && attribute.value === 'float32' ? typeAttribute('float64') : attribute
}

function convert(graph: Graph, value: Value, from: TensorType['dtype'], to: TensorType['dtype']): Value {
  if (value.dtype !== from) return value
  const attributes = { SrcT: typeAttribute(from), DstT: typeAttribute(to) }
  return graph.apply('Cast', [value], attributes, { shape: value.shape, dtype: to })
}
