import type { Graph, GraphNode, Value } from '../graph.ts'
import type { Rule } from '../rewrite.ts'
import {
  bothWays,
  inputsOf,
  keepsDimensions,
  numberIn,
  reducedOverLast,
  reductionAxes,
  sameShape,
  typeAttribute,
  withoutCast,
} from './match.ts'

/** s − log Σ exp(s) with s = x − max(x) is LogSoftmax(x). */
export const toLogSoftmax: Rule = (graph, node) => {
  const [shifted, logSum] = node.inputs
  if (node.op !== 'Sub' || shifted!.shape.length !== 2) return undefined
  const [x, largest] = inputsOf(shifted, 'Sub') ?? []
  const [exponential] = inputsOf(reducedOverLast(inputsOf(logSum, 'Log')?.[0], 'Sum'), 'Exp') ?? []
  if (x === undefined || exponential !== shifted || reducedOverLast(largest, 'Max') !== x) return undefined
  return [graph.apply('LogSoftmax', [x], { T: typeAttribute(x.dtype) }, x)]
}

/** −Σ onehot(label) · logSoftmax(logits) is a sparse softmax cross-entropy. */
export const toCrossEntropy: Rule = (graph, node) => {
  const sum = inputsOf(node.inputs[0], 'Sum') && node.inputs[0]!.node
  if (node.op !== 'Neg' || sum === undefined || keepsDimensions(sum) || !sameShape(reductionAxes(sum), [1])) {
    return undefined
  }
  for (const [factor, logarithm] of bothWays(inputsOf(sum.inputs[0], 'Mul') ?? [])) {
    const labels = labelsOfOneHot(factor)
    const [logits] = inputsOf(logarithm, 'LogSoftmax') ?? []
    if (labels && logits) return [crossEntropy(graph, logits, labels).outputs[0]!]
  }
  return undefined
}

/**
 * The gradient in tfjs, g · onehot − (Σ g · onehot) · exp(logSoftmax(logits)), is −g times the second result of the
 * same operation, softmax − onehot, if g is a single number.
 */
export const toCrossEntropyGradient: Rule = (graph, node) => {
  if (node.op !== 'Sub') return undefined
  const [scaled, product] = node.inputs
  for (const [total, exponential] of bothWays(inputsOf(product, 'Mul') ?? [])) {
    const [logits] = inputsOf(inputsOf(exponential, 'Exp')?.[0], 'LogSoftmax') ?? []
    if (logits === undefined || reducedOverLast(total, 'Sum') !== scaled) continue
    return scaledGradient(graph, scaled!, logits)
  }
  return undefined
}

function scaledGradient(graph: Graph, scaled: Value, logits: Value): readonly Value[] | undefined {
  for (const [factor, oneHot] of bothWays(inputsOf(scaled, 'Mul') ?? [])) {
    const scale = numberIn(factor)
    const labels = labelsOfOneHot(oneHot)
    if (scale === undefined || labels === undefined) continue
    const constant = graph.constant({ dtype: 'float32', shape: [], values: Float32Array.of(-scale) })
    const gradient = crossEntropy(graph, logits, labels).outputs[1]!
    return [graph.apply('Mul', [gradient, constant], { T: typeAttribute('float32') }, logits)]
  }
  return undefined
}

function labelsOfOneHot(value: Value | undefined): Value | undefined {
  const [labels, , on, off] = inputsOf(withoutCast(value), 'OneHot') ?? []
  return numberIn(on) === 1 && numberIn(off) === 0 ? labels : undefined
}

function crossEntropy(graph: Graph, logits: Value, labels: Value): GraphNode {
  return graph.add({
    op: 'SparseSoftmaxCrossEntropyWithLogits',
    inputs: [logits, labels],
    attributes: { T: typeAttribute('float32'), Tlabels: typeAttribute('int32') },
    outputs: [{ shape: labels.shape, dtype: 'float32' }, logits],
  })
}
