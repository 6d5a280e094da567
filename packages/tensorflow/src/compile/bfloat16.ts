import type { Graph, TensorType, Value } from './graph.ts'
import { type Rule, rewrite } from './rewrite.ts'
import type { Trace } from './trace.ts'

const bfloat16Ops: ReadonlySet<string> = new Set([
  'Conv2D',
  'Conv2DBackpropFilter',
  'Conv2DBackpropInput',
  'MatMul',
  'BatchMatMulV2',
])

/** Convolutions and matrix products of bfloat16 operands, with results back in float32, where all else stays. */
export function useBfloat16(trace: Trace): Trace {
  return rewrite(trace, [toBfloat16])
}

const toBfloat16: Rule = (graph, node) => {
  if (!bfloat16Ops.has(node.op) || node.outputs[0]!.dtype !== 'float32') return undefined
  const inputs = node.inputs.map(input => (input.dtype === 'float32' ? cast(graph, input, 'bfloat16') : input))
  const attributes = { ...node.attributes, T: { kind: 'type', value: 'bfloat16' } } as const
  const result = graph.apply(node.op, inputs, attributes, { ...node.outputs[0]!, dtype: 'bfloat16' })
  return [cast(graph, result, 'float32')]
}

function cast(graph: Graph, value: Value, dtype: TensorType['dtype']): Value {
  const attributes = { SrcT: { kind: 'type', value: value.dtype }, DstT: { kind: 'type', value: dtype } } as const
  return graph.apply('Cast', [value], attributes, { shape: value.shape, dtype })
}
