import type { Rule } from '../rewrite.ts'
import { typeAttribute } from './match.ts'

/** tfjs-node multiplies matrices as batches of one, but TensorFlow fuses only MatMul with a bias and an activation. */
export const toMatMul: Rule = (graph, { op, inputs, attributes, outputs }) => {
  if (op !== 'BatchMatMulV2' || inputs.some(({ shape }) => shape.length !== 2)) return undefined
  const { adj_x: transpose_a, adj_y: transpose_b } = attributes
  return [
    graph.apply(
      'MatMul',
      inputs,
      { T: typeAttribute(outputs[0]!.dtype), transpose_a: transpose_a!, transpose_b: transpose_b! },
      outputs[0]!,
    ),
  ]
}
