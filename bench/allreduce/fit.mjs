// Fits time = a + b · bytes + c · workers to the measurements of one contestant on one link.
import { busiestLinkBytes, totalBytes } from './estimate.mjs'

/**
 * Least squares of the relative error, by the normal equations, with non-negative coefficients: tries all subsets of
 * nonzero coefficients and takes the best fit without a negative one.
 *
 * @param points { workers, bytes, ms }
 * @returns { a, b, c, error } in ms, ms per megabyte, ms per worker, and the median relative error; null with too few
 *   points
 */
export function fitTime(points) {
  if (points.length < 4) return null
  const candidates = [[0, 1, 2], [0, 1], [1, 2], [0, 2], [0], [1], [2]].flatMap(columns => {
    const coefficients = solve(points, columns)
    return coefficients?.every(value => value >= 0) ? [{ coefficients, squares: squaresOf(points, coefficients) }] : []
  })
  const [{ coefficients }] = candidates.sort((one, other) => one.squares - other.squares)
  const errors = points.map(point => Math.abs(predict(coefficients, point) / point.ms - 1)).sort((x, y) => x - y)
  const [a, b, c] = coefficients
  return { a, b, c, error: errors[Math.floor(errors.length / 2)] }
}

/** The time that a fit predicts for another number of workers. */
export function predictMs({ a, b, c }, { bytes, workers }) {
  return predict([a, b, c], { bytes, workers })
}

/**
 * The bytes that determine the time. Between hosts these are the bytes through the busiest link, which in the star is
 * the coordinator's. Within one machine these are all bytes, because its processors carry them.
 */
export function costlyBytes(link, contestant, workers, vectorBytes) {
  const count = link === '1gbit' || link === '100mbit' ? busiestLinkBytes : totalBytes
  return count(contestant, workers, vectorBytes)
}

/** In megabytes, so that the columns have similar magnitudes. */
const featuresOf = ({ bytes, workers }) => [1, bytes / 1e6, workers]

function predict(coefficients, point) {
  return featuresOf(point).reduce((sum, feature, at) => sum + feature * coefficients[at], 0)
}

function squaresOf(points, coefficients) {
  return points.reduce((sum, point) => sum + (predict(coefficients, point) / point.ms - 1) ** 2, 0)
}

/** Solves the normal equations for some of the three columns; the others are zero. Null without a unique solution. */
function solve(points, columns) {
  const rows = points.map(point => columns.map(column => featuresOf(point)[column] / point.ms))
  const matrix = columns.map((_, i) => [
    ...columns.map((__, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
    rows.reduce((sum, row) => sum + row[i], 0),
  ])
  const solution = eliminate(matrix)
  if (solution === null) return null
  const coefficients = [0, 0, 0]
  for (const [at, column] of columns.entries()) coefficients[column] = solution[at]
  return coefficients
}

/** Gauss-Jordan elimination with pivots from the diagonal, which is positive in normal equations. */
function eliminate(matrix) {
  const size = matrix.length
  for (let pivot = 0; pivot < size; pivot++) {
    const scale = matrix[pivot][pivot]
    if (!(scale > 0)) return null
    matrix[pivot] = matrix[pivot].map(value => value / scale)
    for (let row = 0; row < size; row++) {
      const factor = matrix[row][pivot]
      if (row !== pivot) matrix[row] = matrix[row].map((value, at) => value - factor * matrix[pivot][at])
    }
  }
  const solution = matrix.map(row => row[size])
  return solution.every(Number.isFinite) ? solution : null
}
