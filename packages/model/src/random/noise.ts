import { tf } from '../tfjs.ts'

/** The distributions from which a random layer may draw. `shape` is that of one sample, without the sample axis. */
export type Draws = {
  /** 1 with the given probability, otherwise 0: float32 [n, …shape]. */
  readonly chance: (shape: readonly number[], probability: number) => tf.Tensor
  /** Numbers of the standard normal distribution: float32 [n, …shape]. */
  readonly normal: (shape: readonly number[]) => tf.Tensor
}

/** The settings of the random layers of tfjs-layers. */
export type NoiseSettings = {
  readonly rate: number
  readonly stddev: number
  readonly noiseShape?: readonly (number | null)[] | null
}

/** How a layer changes its input [n, …] in training. */
export type Noise = (input: tf.Tensor, settings: NoiseSettings, draws: Draws) => tf.Tensor

/**
 * The random layers of tfjs-layers by class name, with the same formulas but other random numbers. As there, the rates
 * 0 and 1 leave the input unchanged.
 */
export const noises: Readonly<Record<string, Noise>> = {
  Dropout: dropout,
  SpatialDropout1D: (input, { rate }, draws) => dropout(input, { rate, stddev: 0, noiseShape: [null, 1, null] }, draws),
  GaussianNoise: (input, { stddev }, draws) => tf.add(tf.mul(draws.normal(input.shape.slice(1)), stddev), input),
  GaussianDropout: gaussianDropout,
  AlphaDropout: alphaDropout,
}

/** Zeros a share of the elements and scales up the others (Srivastava et al. 2014). */
function dropout(input: tf.Tensor, settings: NoiseSettings, draws: Draws): tf.Tensor {
  const { rate } = settings
  if (!isProper(rate)) return input
  const kept = draws.chance(shapeOfNoise(input, settings), 1 - rate)
  return tf.mul(input, tf.mul(kept, 1 / (1 - rate)))
}

/** Multiplies by numbers around 1 whose variance is that of dropout (Srivastava et al. 2014, section 10). */
function gaussianDropout(input: tf.Tensor, { rate }: NoiseSettings, draws: Draws): tf.Tensor {
  if (!isProper(rate)) return input
  const deviation = Math.sqrt(rate / (1 - rate))
  return tf.mul(input, tf.add(tf.mul(draws.normal(input.shape.slice(1)), deviation), 1))
}

/** Sets elements to the lower limit of SELU and keeps mean and variance (Klambauer et al. 2017, appendix). */
function alphaDropout(input: tf.Tensor, settings: NoiseSettings, draws: Draws): tf.Tensor {
  const { rate } = settings
  if (!isProper(rate)) return input
  const limit = -1.6732632423543772 * 1.0507009873554805
  // Without powers, whose rounding is up to the engine.
  const scale = 1 / Math.sqrt((1 - rate) * (1 + rate * limit * limit))
  const kept = draws.chance(shapeOfNoise(input, settings), 1 - rate)
  const limited = tf.add(tf.mul(input, kept), tf.mul(tf.sub(1, kept), limit))
  return tf.add(tf.mul(limited, scale), -scale * limit * rate)
}

function isProper(rate: number): boolean {
  return rate > 0 && rate < 1
}

/** The shape of a sample's noise. Along axes where it is 1, all elements share the noise. */
function shapeOfNoise(input: tf.Tensor, { noiseShape }: NoiseSettings): readonly number[] {
  const shape = noiseShape ?? input.shape
  return shape.slice(1).map((length, axis) => length ?? input.shape[axis + 1]!)
}
