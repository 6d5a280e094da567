import type { Range } from '@lockstep/protocol'
import type { ParameterLayout } from '../layout.ts'

/** What of a layout tells which weights decay. */
export type DecayLayout = Pick<ParameterLayout, 'entries' | 'trainableSize'>

/** Decoupled weight decay (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"). */
export type WeightDecay = {
  /** λ: a step shrinks a weight by η · λ of it, beside what the gradient says. */
  readonly rate: number
  /** Where the weights lie that decay, in ascending order. */
  readonly ranges: readonly Range[]
}

export const noDecay: WeightDecay = { rate: 0, ranges: [] }

/** What tfjs's layers call the weights that inputs are multiplied by. */
const kernelNames = new Set(['kernel', 'depthwise_kernel', 'pointwise_kernel', 'recurrent_kernel', 'embeddings'])

/**
 * The decay of a model's kernels, told by their names. Biases, slopes of PReLU and the scales and offsets of
 * normalization keep their values, as is usual (Jia et al. 2018, section 3.2; He et al. 2019, "Bag of Tricks", section
 * 3.1): there are few of them, they hardly overfit, and a scale that decays only takes away from the next kernel.
 */
export function kernelDecay(rate: number, { entries, trainableSize }: DecayLayout): WeightDecay {
  const isKernel = (name: string) => kernelNames.has(name.slice(name.lastIndexOf('/') + 1))
  const kernels = entries.filter(({ name, offset }) => isKernel(name) && offset < trainableSize)
  return { rate, ranges: kernels.map(kernel => ({ start: kernel.offset, end: kernel.offset + kernel.size })) }
}

/** A part of the flat vector in which one factor is what decay leaves of a weight: 1 − η · λ, or 1, which changes no bit. */
export type Stretch = Range & { readonly keep: number }

/** Parts a vector of `length` elements into stretches for one step at this learning rate. */
export function stretchesOf(length: number, { rate, ranges }: WeightDecay, learningRate: number): readonly Stretch[] {
  const keep = 1 - learningRate * rate
  const stretches: Stretch[] = []
  let at = 0
  for (const { start, end } of ranges) {
    stretches.push({ start: at, end: start, keep: 1 }, { start, end, keep })
    at = end
  }
  return [...stretches, { start: at, end: length, keep: 1 }]
}
