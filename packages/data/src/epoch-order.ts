import { createRandom } from './random.ts'

/**
 * The order in which an epoch visits the samples 0 … count − 1: each exactly once.
 *
 * A Fisher-Yates shuffle (Durstenfeld's form; Knuth, The Art of Computer Programming 2, algorithm P) that draws from
 * xoshiro128** seeded with (seed, epoch). The order depends only on these three numbers and is the same on every
 * machine.
 */
export function epochOrder(options: { seed: number; epoch: number; count: number }): Uint32Array {
  const random = createRandom(options.seed, options.epoch)
  const order = new Uint32Array(options.count)
  for (let index = 0; index < order.length; index++) order[index] = index
  for (let last = options.count - 1; last > 0; last--) {
    const chosen = random.below(last + 1)
    const moved = order[last]!
    order[last] = order[chosen]!
    order[chosen] = moved
  }
  return order
}
