import seedrandom from 'seedrandom'

/**
 * Runs `compute` with a seeded `Math.random`, from which tfjs draws the seeds of initializers that have none. All code
 * that runs in this thread meanwhile draws from it too.
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
