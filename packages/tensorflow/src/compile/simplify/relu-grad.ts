import type { Attributes, Graph, Value } from '../graph.ts'
import type { Rule } from '../rewrite.ts'
import { bothWays, inputsOf, numberIn, sameShape, typeAttribute, withoutCast } from './match.ts'

const float32: Attributes = { T: typeAttribute('float32') }

/** The gradient of ReLU in tfjs, dy · step(x), is ReluGrad; that of ReLU6, dy · ((x ≤ 6) · step(x)), is Relu6Grad. */
export const toReluGrad: Rule = (graph, node) => {
  if (node.op !== 'Mul') return undefined
  for (const [dy, factor] of bothWays(node.inputs)) {
    const mask = withoutCast(factor)
    if (!sameShape(factor.shape, dy.shape)) continue
    const x = argumentOfStep(mask)
    if (x?.dtype === 'float32') return gradient(graph, 'Relu', dy, x)
    const limited = argumentOfLimitedStep(mask)
    if (limited?.dtype === 'float32') return gradient(graph, 'Relu6', dy, limited)
  }
  return undefined
}

/** The gradient of leaky ReLU in tfjs, x > 0 ? dy : dy · alpha, is LeakyReluGrad. */
export const toLeakyReluGrad: Rule = (graph, node) => {
  const [condition, dy, scaled] = node.inputs
  const [x, zero] = inputsOf(condition, 'Greater') ?? []
  if (node.op !== 'Select' || x?.dtype !== 'float32' || numberIn(zero) !== 0) return undefined
  for (const [other, factor] of bothWays(inputsOf(scaled, 'Mul') ?? [])) {
    const alpha = numberIn(factor)
    // A negative alpha would make the activated value positive on both sides.
    if (other !== dy || alpha === undefined || alpha <= 0) continue
    return gradient(graph, 'LeakyRelu', dy!, x, { ...float32, alpha: { kind: 'float', value: alpha } })
  }
  return undefined
}

/**
 * All of these gradients depend only on the range in which x lies, which also follows from its activation. If the graph
 * has the activation, use it instead of x, so that x itself can be fused away.
 */
function gradient(graph: Graph, op: string, dy: Value, x: Value, attributes = float32): readonly Value[] {
  const activated = graph.find({ op, inputs: [x], attributes })?.outputs[0] ?? x
  return [graph.apply(`${op}Grad`, [dy, activated], attributes, dy)]
}

/** x of step(x), which tfjs-node builds from five operations: isNaN(x) ? x : x > 0 ? 1 : 0. */
function argumentOfStep(value: Value | undefined): Value | undefined {
  const [isNan, x, step] = inputsOf(value, 'Select') ?? []
  const [condition, one, zero] = inputsOf(step, 'Select') ?? []
  const [left, right] = inputsOf(condition, 'Greater') ?? []
  const isStep = inputsOf(isNan, 'IsNan')?.[0] === x && left === x && numberIn(right) === 0
  return isStep && numberIn(one) === 1 && numberIn(zero) === 0 ? x : undefined
}

/** x of (x ≤ 6) · step(x), which the rule for ReLU has turned into a ReluGrad. */
function argumentOfLimitedStep(value: Value | undefined): Value | undefined {
  const [within, x] = inputsOf(value, 'ReluGrad') ?? []
  const [left, right] = inputsOf(withoutCast(within), 'LessEqual') ?? []
  return x !== undefined && left === x && numberIn(right) === 6 ? x : undefined
}
