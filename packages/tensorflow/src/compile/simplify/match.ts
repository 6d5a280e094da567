import { uniformValue } from '../constant.ts'
import { type Attribute, constantData, type DataType, type GraphNode, type Value } from '../graph.ts'

/** The inputs of the node that a value comes from, if that is the given operation. */
export function inputsOf(value: Value | undefined, ...ops: readonly string[]): readonly Value[] | undefined {
  return value !== undefined && ops.includes(value.node.op) ? value.node.inputs : undefined
}

/** The only number in a constant. */
export function numberIn(value: Value | undefined): number | undefined {
  const data = value && constantData(value)
  return data && uniformValue(data)
}

/** The value under reshapes and conversions between int32 and float32 that lose nothing. */
export function withoutCast(value: Value | undefined): Value | undefined {
  return inputsOf(value, 'Cast')?.[0] ?? value
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis])
}

export function typeAttribute(dtype: DataType): Attribute {
  return { kind: 'type', value: dtype }
}

/** Both ways to read a commutative operation. */
export function bothWays([a, b]: readonly Value[]): readonly (readonly [Value, Value])[] {
  return [
    [a!, b!],
    [b!, a!],
  ]
}

/** The axes of a reduction, from 0 up. */
export function reductionAxes({ inputs: [x, axes] }: GraphNode): readonly number[] {
  const data = constantData(axes!)
  const rank = x!.shape.length
  return data ? Array.from(data.values, axis => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b) : []
}

export function keepsDimensions({ attributes }: GraphNode): boolean {
  return attributes.keep_dims?.value === true
}

/** The input of a reduction over the last axis that keeps it, with length 1. */
export function reducedOverLast(value: Value | undefined, op: string): Value | undefined {
  const [x] = inputsOf(value, op) ?? []
  if (x === undefined || !keepsDimensions(value!.node)) return undefined
  return sameShape(reductionAxes(value!.node), [x.shape.length - 1]) ? x : undefined
}
