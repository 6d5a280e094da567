import type { Graph, Value } from '../graph.ts'
import type { Rule } from '../rewrite.ts'
import { bothWays, inputsOf, keepsDimensions, reductionAxes, sameShape, typeAttribute } from './match.ts'

/** The sum of a tensor and a vector along its last axis is BiasAdd, which TensorFlow fuses with the node before it. */
export const toBiasAdd: Rule = (graph, node) => {
  const { shape, dtype } = node.outputs[0]!
  if ((node.op !== 'Add' && node.op !== 'AddV2') || dtype !== 'float32' || shape.length < 2) return undefined
  for (const [x, operand] of bothWays(node.inputs)) {
    if (!sameShape(x.shape, shape) || !isAlongLast(operand, shape)) continue
    return [graph.apply('BiasAdd', [x, asVector(graph, operand)], { T: typeAttribute(dtype) }, { shape, dtype })]
  }
  return undefined
}

/**
 * (x + a) + y with a bias a is (x + y) + a. TensorFlow 2.21 fuses a convolution with the bias, the sum and the
 * activation after it. If y also comes from a convolution, that gives a broken graph or wrong numbers.
 */
export const addBiasesLast: Rule = (graph, node) => {
  const output = node.outputs[0]!
  const attributes = { T: typeAttribute(output.dtype) }
  if ((node.op !== 'Add' && node.op !== 'AddV2') || output.dtype !== 'float32') return undefined
  if (!node.inputs.every(({ shape }) => sameShape(shape, output.shape))) return undefined
  const biases = node.inputs.flatMap(input => inputsOf(input, 'BiasAdd')?.[1] ?? [])
  if (biases.length === 0) return undefined
  const bias = biases.reduce((sum, next) => graph.apply('AddV2', [sum, next], attributes, next))
  const bare = node.inputs.map(input => inputsOf(input, 'BiasAdd')?.[0] ?? input)
  return [graph.apply('BiasAdd', [graph.apply('AddV2', bare, attributes, output), bias], attributes, output)]
}

/** The sum over all axes but the last is BiasAddGrad. */
export const toBiasAddGrad: Rule = (graph, node) => {
  const [x] = node.inputs
  if (node.op !== 'Sum' || keepsDimensions(node) || x!.dtype !== 'float32' || x!.shape.length < 2) return undefined
  const leading = [...x!.shape.keys()].slice(0, -1)
  if (!sameShape(reductionAxes(node), leading) || isOneOfSeveral(x!)) return undefined
  return [graph.apply('BiasAddGrad', [x!], { T: typeAttribute('float32') }, node.outputs[0]!)]
}

/**
 * TensorFlow 2.21 with oneDNN merges BiasAddGrad and Conv2DBackpropFilter on the outputs of one node without checking
 * which output each of them takes. After a SplitV, the gradient of a Concat, biases would get each other's gradients.
 */
export function isOneOfSeveral({ node }: Value): boolean {
  return node.outputs.length > 1
}

function isAlongLast({ shape }: Value, whole: readonly number[]): boolean {
  return shape.length > 0 && shape.at(-1) === whole.at(-1) && shape.slice(0, -1).every(length => length === 1)
}

function asVector(graph: Graph, value: Value): Value {
  if (value.shape.length === 1) return value
  const [inner] = inputsOf(value, 'Reshape') ?? []
  if (inner?.shape.length === 1) return inner
  const shape = [value.shape.at(-1)!]
  const target = graph.constant({ dtype: 'int32', shape: [1], values: Int32Array.from(shape) })
  const attributes = { T: typeAttribute(value.dtype), Tshape: typeAttribute('int32') }
  return graph.apply('Reshape', [value, target], attributes, { shape, dtype: value.dtype })
}
