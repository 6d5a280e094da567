import type { Attributes } from '../graph.ts'
import type { Rule } from '../rewrite.ts'
import { isOneOfSeveral } from './bias.ts'
import { inputsOf, typeAttribute } from './match.ts'

const float32: Attributes = { T: typeAttribute('float32') }

/**
 * A gradient through pooling and then ReLU is one through ReLU and then pooling: it only reaches the largest element of
 * a window, which is what was pooled. ReLU then has as many elements as were pooled instead of those before.
 */
export const pullReluGradThroughPool: Rule = (graph, { op, inputs: [gradient, activated], outputs }) => {
  const [x, pooled, dy] = inputsOf(op === 'ReluGrad' ? gradient : undefined, 'MaxPoolGrad') ?? []
  if (x === undefined || x !== activated) return undefined
  const narrowed = graph.apply('ReluGrad', [dy!, pooled!], float32, dy!)
  return [graph.apply('MaxPoolGrad', [x, pooled!, narrowed], gradient!.node.attributes, outputs[0]!)]
}

/** Pooling passes every element of a gradient on to one place, so that their sum stays. */
export const pullBiasAddGradThroughPool: Rule = (graph, { op, inputs, attributes, outputs }) => {
  const [, , dy] = inputsOf(op === 'BiasAddGrad' ? inputs[0] : undefined, 'MaxPoolGrad') ?? []
  if (dy === undefined || isOneOfSeveral(dy)) return undefined
  return [graph.apply('BiasAddGrad', [dy], attributes, outputs[0]!)]
}
