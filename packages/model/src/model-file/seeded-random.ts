import seedrandom from 'seedrandom'

/**
 * Runs `compute` with a `Math.random` that draws from a seed: tfjs takes the seeds of initializers that were given none
 * from there. What else runs meanwhile in this thread draws from it too.
 */
export async function withSeededRandom<T>(seed: number, compute: () => Promise<T>): Promise<T> {
  const { random } = Math
  Math.random = seedrandom.alea(`${seed}`)
  try {
    return await compute()
  } finally {
    Math.random = random
  }
}
