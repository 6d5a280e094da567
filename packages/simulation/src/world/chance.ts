import { createRandom } from '@lockstep/data'

/** The random choices of a simulation: streams of draws that depend only on a seed and a name. */
export type Chance = {
  /** At least 0 and less than 1. */
  readonly unit: () => number
  /** At least `from` and less than `to`. */
  readonly between: (from: number, to: number) => number
  /** A whole number from `from` to `to`, both included. */
  readonly whole: (from: number, to: number) => number
  readonly happens: (probability: number) => boolean
  readonly pick: <T>(values: readonly T[]) => T
}

/** Each name has its own stream: the draws of one part of a simulation do not affect the others. */
export function createChance(seed: number, name: string): Chance {
  const random = createRandom(seed, hash(name))
  const unit = () => random.nextUint32() / 2 ** 32
  return {
    unit,
    between: (from, to) => from + unit() * (to - from),
    whole: (from, to) => from + random.below(to - from + 1),
    happens: probability => unit() < probability,
    pick: values => values[random.below(values.length)]!,
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
