/** The largest absolute value; 0 for an empty vector. */
export function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

/** The largest absolute difference of vectors of equal length; NaN if there is one. */
export function largestDifference(left: Float32Array, right: Float32Array): number {
  if (left.length !== right.length) return Number.NaN
  return largest(left.map((value, index) => value - (right[index] as number)))
}
