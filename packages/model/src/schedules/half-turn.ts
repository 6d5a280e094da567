/** Number of terms of the Taylor series. The first omitted term is below 1e-18 on [0, π/4]. */
const terms = 10

/**
 * cos(π · turn) for `turn` from 0 to 1, with the same bits on every machine. Engines may round `Math.cos` as they like
 * (ECMA-262, section 21.3.2), but not products and sums.
 */
export function cosineOfHalfTurn(turn: number): number {
  if (turn > 0.5) return -cosineOfHalfTurn(1 - turn)
  return turn > 0.25 ? sine(Math.PI * (0.5 - turn)) : cosine(Math.PI * turn)
}

/** 1 − x²/2 · (1 − x²/12 · (1 − x²/30 · …)) for x in [0, π/4]. */
function cosine(x: number): number {
  let sum = 1
  for (let k = 2 * terms; k > 0; k -= 2) sum = 1 - ((x * x) / (k * (k - 1))) * sum
  return sum
}

/** x · (1 − x²/6 · (1 − x²/20 · …)) for x in [0, π/4]. */
function sine(x: number): number {
  let sum = 1
  for (let k = 2 * terms; k > 0; k -= 2) sum = 1 - ((x * x) / (k * (k + 1))) * sum
  return x * sum
}

/** Interpolates between two numbers along half a turn of the cosine; `progress` is from 0 to 1. */
export function swing(from: number, to: number, progress: number): number {
  return to + ((from - to) / 2) * (1 + cosineOfHalfTurn(progress))
}
