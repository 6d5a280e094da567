import type { Rule } from '../rewrite.ts'
import { bothWays, inputsOf, numberIn, sameShape } from './match.ts'

/** Drops reshapes to the same shape, casts to the same type, and all but the last of a chain of reshapes. */
export const dropReshapesAndCasts: Rule = (graph, node) => {
  const [x] = node.inputs
  const output = node.outputs[0]!
  if (node.op === 'Reshape') {
    const [inner] = inputsOf(x, 'Reshape') ?? []
    if (sameShape((inner ?? x!).shape, output.shape)) return [inner ?? x!]
    return inner && graph.add({ ...node, inputs: [inner, node.inputs[1]!] }).outputs
  }
  if (node.op !== 'Cast') return undefined
  if (x!.dtype === output.dtype) return [x!]
  const [bytes] = inputsOf(x, 'Cast') ?? []
  // tfjs has no uint8, so it converts pixels to float32 by way of int32.
  if (bytes?.dtype !== 'uint8') return undefined
  return graph.add({
    ...node,
    inputs: [bytes],
    attributes: { ...node.attributes, SrcT: { kind: 'type', value: 'uint8' } },
  }).outputs
}

/** x + 0, x − 0, x · 1 and x / 1 are x. */
export const dropNeutralOperands: Rule = (_, node) => {
  const { shape } = node.outputs[0]!
  const neutral = node.op === 'Mul' || node.op === 'RealDiv' ? 1 : 0
  const commutes = node.op === 'Add' || node.op === 'AddV2' || node.op === 'Mul'
  if (!commutes && node.op !== 'Sub' && node.op !== 'RealDiv') return undefined
  for (const [x, operand] of bothWays(node.inputs).slice(0, commutes ? 2 : 1)) {
    if (numberIn(operand) === neutral && sameShape(x.shape, shape)) return [x]
  }
  return undefined
}
