import type { Attributes } from '../graph.ts'
import type { Rule } from '../rewrite.ts'
import { isOneOfSeveral } from './bias.ts'
import { inputsOf, typeAttribute } from './match.ts'

const float32: Attributes = { T: typeAttribute('float32') }

/**
 * Applies the gradient of ReLU before that of max pooling. The order does not matter: a gradient only reaches the
 * largest element of each window, which is the pooled one. ReluGrad then has only as many elements as the pooled
 * tensor.
 */
export const pullReluGradThroughPool: Rule = (graph, { op, inputs: [gradient, activated], outputs }) => {
  const [x, pooled, dy] = inputsOf(op === 'ReluGrad' ? gradient : undefined, 'MaxPoolGrad') ?? []
  if (x === undefined || x !== activated) return undefined
  const narrowed = graph.apply('ReluGrad', [dy!, pooled!], float32, dy!)
  return [graph.apply('MaxPoolGrad', [x, pooled!, narrowed], gradient!.node.attributes, outputs[0]!)]
}

/** The gradient of max pooling moves each element to one place, so the sum stays the same. */
export const pullBiasAddGradThroughPool: Rule = (graph, { op, inputs, attributes, outputs }) => {
  const [, , dy] = inputsOf(op === 'BiasAddGrad' ? inputs[0] : undefined, 'MaxPoolGrad') ?? []
  if (dy === undefined || isOneOfSeveral(dy)) return undefined
  return [graph.apply('BiasAddGrad', [dy], attributes, outputs[0]!)]
}
