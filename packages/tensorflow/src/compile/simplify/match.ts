import { uniformValue } from '../constant.ts'
import { type Attribute, constantData, type DataType, type GraphNode, type Value } from '../graph.ts'

/** The inputs of the node that computes a value, if it is one of the given operations. */
export function inputsOf(value: Value | undefined, ...ops: readonly string[]): readonly Value[] | undefined {
  return value !== undefined && ops.includes(value.node.op) ? value.node.inputs : undefined
}

/** The number in a constant that holds only one. */
export function numberIn(value: Value | undefined): number | undefined {
  const data = value && constantData(value)
  return data && uniformValue(data)
}

/** The value before a cast, if there is one. The casts that occur here, between int32 and float32, lose nothing. */
export function withoutCast(value: Value | undefined): Value | undefined {
  return inputsOf(value, 'Cast')?.[0] ?? value
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis])
}

export function typeAttribute(dtype: DataType): Attribute {
  return { kind: 'type', value: dtype }
}

/** Both orders of the operands of a commutative operation. */
export function bothWays([a, b]: readonly Value[]): readonly (readonly [Value, Value])[] {
  return [
    [a!, b!],
    [b!, a!],
  ]
}

/** The axes of a reduction as non-negative numbers. */
export function reductionAxes({ inputs: [x, axes] }: GraphNode): readonly number[] {
  const data = constantData(axes!)
  const rank = x!.shape.length
  return data ? Array.from(data.values, axis => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b) : []
}

export function keepsDimensions({ attributes }: GraphNode): boolean {
  return attributes.keep_dims?.value === true
}

/** The input of a reduction over the last axis that keeps this axis with length 1. */
export function reducedOverLast(value: Value | undefined, op: string): Value | undefined {
  const [x] = inputsOf(value, op) ?? []
  if (x === undefined || !keepsDimensions(value!.node)) return undefined
  return sameShape(reductionAxes(value!.node), [x.shape.length - 1]) ? x : undefined
}
