import type { Range } from '@lockstep/protocol'
import type { ParameterLayout } from '../layout.ts'

/** The part of a layout that determines which weights decay. */
export type DecayLayout = Pick<ParameterLayout, 'entries' | 'trainableSize'>

/** Decoupled weight decay (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization"). */
export type WeightDecay = {
  /** λ: besides the gradient's update, a step shrinks a weight by the fraction η · λ. */
  readonly rate: number
  /** The ranges of weights that decay, in ascending order. */
  readonly ranges: readonly Range[]
}

export const noDecay: WeightDecay = { rate: 0, ranges: [] }

/** The names in tfjs layers of weights that multiply inputs. */
const kernelNames = new Set(['kernel', 'depthwise_kernel', 'pointwise_kernel', 'recurrent_kernel', 'embeddings'])

/**
 * The decay of a model's kernels, which are recognized by their names. Biases, slopes of PReLU and the scales and
 * offsets of normalization do not decay, as is usual (Jia et al. 2018, section 3.2; He et al. 2019, "Bag of Tricks",
 * section 3.1): they are few, they hardly overfit, and decaying a scale only shifts its factor to the next kernel.
 */
export function kernelDecay(rate: number, { entries, trainableSize }: DecayLayout): WeightDecay {
  const isKernel = (name: string) => kernelNames.has(name.slice(name.lastIndexOf('/') + 1))
  const kernels = entries.filter(({ name, offset }) => isKernel(name) && offset < trainableSize)
  return { rate, ranges: kernels.map(kernel => ({ start: kernel.offset, end: kernel.offset + kernel.size })) }
}

/** A range of the flat vector whose weights decay multiplies by `keep`: 1 − η · λ, or 1, which changes no bit. */
export type Stretch = Range & { readonly keep: number }

/** Divides a vector of `length` elements into stretches for one step at this learning rate. */
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
