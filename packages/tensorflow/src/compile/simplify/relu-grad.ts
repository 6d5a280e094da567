import type { Graph, Value } from '../graph.ts'
import type { Rule } from '../rewrite.ts'
import { bothWays, inputsOf, numberIn, sameShape, typeAttribute, withoutCast } from './match.ts'

/** tfjs's gradient of ReLU, dy · step(x), is ReluGrad. */
export const toReluGrad: Rule = (graph, node) => {
  if (node.op !== 'Mul') return undefined
  for (const [dy, factor] of bothWays(node.inputs)) {
    const x = argumentOfStep(withoutCast(factor))
    if (x === undefined || x.dtype !== 'float32' || !sameShape(x.shape, dy.shape)) continue
    return [graph.apply('ReluGrad', [dy, activated(graph, x)], { T: typeAttribute('float32') }, node.outputs[0]!)]
  }
  return undefined
}

/** tfjs-node makes step(x) of five operations: isNaN(x) ? x : x > 0 ? 1 : 0. */
function argumentOfStep(value: Value | undefined): Value | undefined {
  const [isNan, x, step] = inputsOf(value, 'Select') ?? []
  const [condition, one, zero] = inputsOf(step, 'Select') ?? []
  const [left, right] = inputsOf(condition, 'Greater') ?? []
  const isStep = inputsOf(isNan, 'IsNan')?.[0] === x && left === x && numberIn(right) === 0
  return isStep && numberIn(one) === 1 && numberIn(zero) === 0 ? x : undefined
}

/** relu(x) where that was computed: it is positive where x is, and x itself can then be fused away. */
function activated(graph: Graph, x: Value): Value {
  return graph.find({ op: 'Relu', inputs: [x], attributes: { T: typeAttribute('float32') } })?.outputs[0] ?? x
}
