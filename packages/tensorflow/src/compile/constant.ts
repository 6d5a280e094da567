import { createHash } from 'node:crypto'

export type ConstantType = 'float32' | 'int32' | 'bool'
export type ConstantValues = Float32Array | Int32Array | Uint8Array

/** The values of a constant: all of them in row-major order, or one that fills the shape. */
export type ConstantData = {
  readonly dtype: ConstantType
  readonly shape: readonly number[]
  readonly values: ConstantValues
}

/** Creates a constant from a copy of the values. If all are equal, it keeps only one. */
export function createConstant(
  dtype: ConstantType,
  shape: readonly number[],
  values: ArrayLike<number | boolean>,
): ConstantData {
  const copy = toTypedArray(dtype, values)
  const uniform = copy.length > 1 && copy.every(value => Object.is(value, copy[0]))
  return { dtype, shape: [...shape], values: uniform ? copy.slice(0, 1) : copy }
}

/** The only value of a constant; undefined if it has none or several. */
export function uniformValue({ values }: ConstantData): number | undefined {
  return values.length === 1 ? values[0] : undefined
}

/** The values, one for each element. */
export function expandConstant({ dtype, shape, values }: ConstantData): ConstantValues {
  const size = shape.reduce((product, length) => product * length, 1)
  return values.length === size ? values : toTypedArray(dtype, Array(size).fill(values[0]))
}

/** A key that is equal exactly for constants with the same bits. */
export function constantKey({ dtype, shape, values }: ConstantData): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return JSON.stringify([dtype, shape, values.length, createHash('sha256').update(bytes).digest('base64')])
}

function toTypedArray(dtype: ConstantType, values: ArrayLike<number | boolean>): ConstantValues {
  const numbers = values as ArrayLike<number>
  if (dtype === 'float32') return Float32Array.from(numbers)
  return dtype === 'int32' ? Int32Array.from(numbers) : Uint8Array.from(numbers)
}
