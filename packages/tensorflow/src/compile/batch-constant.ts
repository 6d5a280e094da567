import { type ConstantData, uniformValue } from './constant.ts'
import type { Graph, Value } from './graph.ts'
import { sameShape, typeAttribute } from './simplify/match.ts'

/** The same item in two traces with different batch sizes. */
export type Pair<T> = readonly [T, T]

/**
 * Numbers of samples to trace with: small, and primes, so that multiples of one are not taken for those of the other.
 */
export const batchSizes: Pair<number> = [7, 11]

/** Dimensions of a shape as fixed + factors · n for batches of n samples. */
type Dimensions = { readonly fixed: Int32Array; readonly factors: Int32Array }

/** The common shape of two traces, with −1 for lengths that depend on the batch. */
export function openShape([a, b]: Pair<readonly number[]>): readonly number[] {
  return a.map((length, axis) => (length === b[axis] ? length : -1))
}

/** The shape operand of Reshape, of which TensorFlow can infer one length; undefined if more than one would be open. */
export function openReshape([a, b]: Pair<ConstantData>): ConstantData | undefined {
  const dimensions = growing([a.values, b.values])
  if (dimensions === undefined || dimensions.factors.filter(factor => factor !== 0).length !== 1) return undefined
  const values = dimensions.fixed.map((length, axis) => (dimensions.factors[axis] === 0 ? length : -1))
  return { dtype: 'int32', shape: a.shape, values }
}

/**
 * Computes a constant that depends on the batch from the batch's size. It must be a vector of lengths, or one value
 * that fills a shape; undefined for any other.
 */
export function computeConstant(graph: Graph, [a, b]: Pair<ConstantData>, batch: Value): Value | undefined {
  if (a.dtype === 'int32' && a.shape.length === 1 && sameShape(a.shape, b.shape)) {
    const dimensions = growing([a.values, b.values])
    return dimensions && vectorOf(graph, dimensions, batch)
  }
  const value = uniformValue(a)
  if (value === undefined || !Object.is(value, uniformValue(b)) || a.dtype !== b.dtype) return undefined
  const dimensions = growing([a.shape, b.shape])
  if (dimensions === undefined) return undefined
  const filling = graph.constant({ dtype: a.dtype, shape: [], values: a.values })
  const attributes = { T: typeAttribute(a.dtype), index_type: typeAttribute('int32') }
  const shape = openShape([a.shape, b.shape])
  return graph.apply('Fill', [vectorOf(graph, dimensions, batch), filling], attributes, { shape, dtype: a.dtype })
}

/** The number of samples in the batch, as a vector of one element. */
function batchLength(graph: Graph, batch: Value): Value {
  const rank = batch.shape.length
  const shape = graph.apply(
    'Shape',
    [batch],
    { T: typeAttribute(batch.dtype), out_type: typeAttribute('int32') },
    { shape: [rank], dtype: 'int32' },
  )
  const vector = (length: number) => graph.constant({ dtype: 'int32', shape: [1], values: Int32Array.of(length) })
  const attributes = { T: typeAttribute('int32'), Index: typeAttribute('int32') }
  return graph.apply('Slice', [shape, vector(0), vector(1)], attributes, { shape: [1], dtype: 'int32' })
}

/** Undefined unless every length is fixed or proportional to the number of samples. */
function growing([a, b]: Pair<ArrayLike<number>>): Dimensions | undefined {
  if (a.length !== b.length) return undefined
  const lengths = Array.from(a, (length, axis): Pair<number> => [length, b[axis]!])
  const inProportion = ([x, y]: Pair<number>) => x % batchSizes[0] === 0 && x * batchSizes[1] === y * batchSizes[0]
  if (!lengths.every(([x, y]) => x === y || inProportion([x, y]))) return undefined
  return {
    fixed: Int32Array.from(lengths, ([x, y]) => (x === y ? x : 0)),
    factors: Int32Array.from(lengths, ([x, y]) => (x === y ? 0 : x / batchSizes[0])),
  }
}

function vectorOf(graph: Graph, { fixed, factors }: Dimensions, batch: Value): Value {
  const type = { shape: [fixed.length], dtype: 'int32' } as const
  const attributes = { T: typeAttribute('int32') }
  const grown = graph.apply(
    'Mul',
    [graph.constant({ ...type, values: factors }), batchLength(graph, batch)],
    attributes,
    type,
  )
  return graph.apply('AddV2', [graph.constant({ ...type, values: fixed }), grown], attributes, type)
}
