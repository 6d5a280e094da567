// AssemblyScript compiles this file to dist/arithmetic/kernels.wasm. wasm.ts passes the addresses and lengths; `end`
// and `count` are in elements. Each function processes four or eight elements at a time, then the rest one by one. It
// gives the same bits as its namesake in plain.ts: it uses the same IEEE operations in the same order and fuses none of
// them.

/** As in plain.ts. */
const smallestMoment: f32 = 2.0 ** -100

/** As in plain.ts: the bits of 2¹²⁷. Any larger bit pattern is a larger magnitude, an infinity or a NaN. */
const soundBits: i32 = 0x7f000000
const magnitudeBits: i32 = 0x7fffffff

/** target ← source · factor, with the product in float64. Returns whether the source is sound; see `Arithmetic`. */
export function scale(target: usize, source: usize, count: i32, factor: f64): bool {
  const factors = f64x2.splat(factor)
  const block = count & ~7
  let largest = i32x4.splat(0)
  for (let i = 0; i < block; i += 8) {
    const offset = (<usize>i) << 2
    const first = v128.load(source + offset)
    const second = v128.load(source + offset, 16)
    largest = largerMagnitudes(largerMagnitudes(largest, first), second)
    v128.store(target + offset, scaleFour(first, factors))
    v128.store(target + offset, scaleFour(second, factors), 16)
  }
  for (let i = block; i < count; i++) {
    const offset = (<usize>i) << 2
    largest = largerMagnitudes(largest, v128.load32_zero(source + offset))
    store<f32>(target + offset, <f32>(<f64>load<f32>(source + offset) * factor))
  }
  return areSound(largest)
}

/**
 * `scale` for a factor that is a float32: a float64 product would be exact, so a float32 product rounds to the same.
 */
export function scaleByFloat(target: usize, source: usize, count: i32, factor: f32): bool {
  const factors = f32x4.splat(factor)
  const block = count & ~7
  let largest = i32x4.splat(0)
  for (let i = 0; i < block; i += 8) {
    const offset = (<usize>i) << 2
    const first = v128.load(source + offset)
    const second = v128.load(source + offset, 16)
    largest = largerMagnitudes(largerMagnitudes(largest, first), second)
    v128.store(target + offset, f32x4.mul(first, factors))
    v128.store(target + offset, f32x4.mul(second, factors), 16)
  }
  for (let i = block; i < count; i++) {
    const offset = (<usize>i) << 2
    largest = largerMagnitudes(largest, v128.load32_zero(source + offset))
    store<f32>(target + offset, load<f32>(source + offset) * factor)
  }
  return areSound(largest)
}

/** target ← sum + source · factor, with the product in float64 and rounded. Returns whether the source is sound. */
export function addScaled(target: usize, sum: usize, source: usize, count: i32, factor: f64): bool {
  const factors = f64x2.splat(factor)
  const block = count & ~3
  let largest = i32x4.splat(0)
  for (let i = 0; i < block; i += 4) {
    const offset = (<usize>i) << 2
    const elements = v128.load(source + offset)
    largest = largerMagnitudes(largest, elements)
    v128.store(target + offset, f32x4.add(v128.load(sum + offset), scaleFour(elements, factors)))
  }
  for (let i = block; i < count; i++) {
    const offset = (<usize>i) << 2
    largest = largerMagnitudes(largest, v128.load32_zero(source + offset))
    store<f32>(target + offset, load<f32>(sum + offset) + <f32>(<f64>load<f32>(source + offset) * factor))
  }
  return areSound(largest)
}

/** `addScaled` for a factor that is a float32. */
export function addScaledByFloat(target: usize, sum: usize, source: usize, count: i32, factor: f32): bool {
  const factors = f32x4.splat(factor)
  const block = count & ~3
  let largest = i32x4.splat(0)
  for (let i = 0; i < block; i += 4) {
    const offset = (<usize>i) << 2
    const elements = v128.load(source + offset)
    largest = largerMagnitudes(largest, elements)
    v128.store(target + offset, f32x4.add(v128.load(sum + offset), f32x4.mul(elements, factors)))
  }
  for (let i = block; i < count; i++) {
    const offset = (<usize>i) << 2
    largest = largerMagnitudes(largest, v128.load32_zero(source + offset))
    store<f32>(target + offset, load<f32>(sum + offset) + load<f32>(source + offset) * factor)
  }
  return areSound(largest)
}

/** target ← sum + addend. */
export function addInto(target: usize, sum: usize, addend: usize, count: i32): void {
  const block = count & ~3
  for (let i = 0; i < block; i += 4) {
    const offset = (<usize>i) << 2
    v128.store(target + offset, f32x4.add(v128.load(sum + offset), v128.load(addend + offset)))
  }
  for (let i = block; i < count; i++) {
    const offset = (<usize>i) << 2
    store<f32>(target + offset, load<f32>(sum + offset) + load<f32>(addend + offset))
  }
}

/** Adam from element `start` up to `end`; see optimizers/adam.ts for the formula. */
export function adam(
  weights: usize,
  gradient: usize,
  firstMoment: usize,
  secondMoment: usize,
  start: i32,
  end: i32,
  keep: f32,
  alpha: f32,
  epsilon: f32,
  gain1: f32,
  gain2: f32,
): void {
  const keeps = f32x4.splat(keep)
  const alphas = f32x4.splat(alpha)
  const epsilons = f32x4.splat(epsilon)
  const gains1 = f32x4.splat(gain1)
  const gains2 = f32x4.splat(gain2)
  const smallest = f32x4.splat(smallestMoment)
  let i = start
  for (; i + 4 <= end; i += 4) {
    const offset = (<usize>i) << 2
    const g = v128.load(gradient + offset)
    const m = clearTiny(approach(v128.load(firstMoment + offset), g, gains1), smallest)
    const v = clearTiny(approach(v128.load(secondMoment + offset), f32x4.mul(g, g), gains2), smallest)
    v128.store(firstMoment + offset, m)
    v128.store(secondMoment + offset, v)
    const step = f32x4.div(f32x4.mul(m, alphas), f32x4.add(f32x4.sqrt(v), epsilons))
    v128.store(weights + offset, f32x4.sub(f32x4.mul(v128.load(weights + offset), keeps), step))
  }
  for (; i < end; i++) {
    const offset = (<usize>i) << 2
    const g = load<f32>(gradient + offset)
    const m0 = load<f32>(firstMoment + offset)
    const v0 = load<f32>(secondMoment + offset)
    let m = m0 + (g - m0) * gain1
    if (abs(m) < smallestMoment) m = 0
    let v = v0 + (g * g - v0) * gain2
    if (abs(v) < smallestMoment) v = 0
    store<f32>(firstMoment + offset, m)
    store<f32>(secondMoment + offset, v)
    store<f32>(weights + offset, load<f32>(weights + offset) * keep - (m * alpha) / (sqrt<f32>(v) + epsilon))
  }
}

/** Gradient descent without momentum from element `start` up to `end`. */
export function sgd(weights: usize, gradient: usize, start: i32, end: i32, keep: f64, learningRate: f64): void {
  const keeps = f64x2.splat(keep)
  const rates = f64x2.splat(learningRate)
  let i = start
  for (; i + 4 <= end; i += 4) {
    const offset = (<usize>i) << 2
    const g = v128.load(gradient + offset)
    const w = v128.load(weights + offset)
    const low = f64x2.sub(f64x2.mul(lowDoubles(w), keeps), f64x2.mul(rates, lowDoubles(g)))
    const high = f64x2.sub(f64x2.mul(highDoubles(w), keeps), f64x2.mul(rates, highDoubles(g)))
    v128.store(weights + offset, toFloats(low, high))
  }
  for (; i < end; i++) {
    const offset = (<usize>i) << 2
    const kept = <f64>load<f32>(weights + offset) * keep
    store<f32>(weights + offset, <f32>(kept - learningRate * <f64>load<f32>(gradient + offset)))
  }
}

/** Gradient descent with momentum from element `start` up to `end`. */
export function sgdWithMomentum(
  weights: usize,
  gradient: usize,
  moment: usize,
  start: i32,
  end: i32,
  keep: f64,
  learningRate: f64,
  momentum: f64,
): void {
  const keeps = f64x2.splat(keep)
  const rates = f64x2.splat(learningRate)
  const momenta = f64x2.splat(momentum)
  let i = start
  for (; i + 4 <= end; i += 4) {
    const offset = (<usize>i) << 2
    const g = v128.load(gradient + offset)
    const m = v128.load(moment + offset)
    const w = v128.load(weights + offset)
    const mLow = f64x2.sub(f64x2.mul(momenta, lowDoubles(m)), f64x2.mul(rates, lowDoubles(g)))
    const mHigh = f64x2.sub(f64x2.mul(momenta, highDoubles(m)), f64x2.mul(rates, highDoubles(g)))
    v128.store(moment + offset, toFloats(mLow, mHigh))
    const wLow = f64x2.add(f64x2.mul(lowDoubles(w), keeps), mLow)
    const wHigh = f64x2.add(f64x2.mul(highDoubles(w), keeps), mHigh)
    v128.store(weights + offset, toFloats(wLow, wHigh))
  }
  for (; i < end; i++) {
    const offset = (<usize>i) << 2
    const m = momentum * <f64>load<f32>(moment + offset) - learningRate * <f64>load<f32>(gradient + offset)
    store<f32>(moment + offset, <f32>m)
    store<f32>(weights + offset, <f32>(<f64>load<f32>(weights + offset) * keep + m))
  }
}

/** Rounds stochastically to bfloat16; see rounding.ts. `index` is the first element's index in the whole vector. */
export function roundToBfloat16(source: usize, target: usize, count: i32, key: i32, index: i32): void {
  const keys = i32x4.splat(key)
  let indices = i32x4.add(i32x4.splat(index), i32x4(0, 1, 2, 3))
  const block = count & ~7
  for (let i = 0; i < block; i += 8) {
    const from = source + ((<usize>i) << 2)
    const low = roundFour(v128.load(from), v128.xor(indices, keys))
    indices = i32x4.add(indices, i32x4.splat(4))
    const high = roundFour(v128.load(from, 16), v128.xor(indices, keys))
    indices = i32x4.add(indices, i32x4.splat(4))
    v128.store(target + ((<usize>i) << 1), i16x8.narrow_i32x4_u(low, high))
  }
  for (let i = block; i < count; i++) {
    const rounded = roundFour(v128.load32_zero(source + ((<usize>i) << 2)), i32x4.splat((index + i) ^ key))
    v128.store_lane<u16>(target + ((<usize>i) << 1), rounded, 0)
  }
}

/** Widens bfloat16 elements to float32. */
export function expandBfloat16(source: usize, target: usize, count: i32): void {
  const block = count & ~7
  for (let i = 0; i < block; i += 8) {
    const elements = v128.load(source + ((<usize>i) << 1))
    const to = target + ((<usize>i) << 2)
    v128.store(to, i32x4.shl(i32x4.extend_low_i16x8_u(elements), 16))
    v128.store(to, i32x4.shl(i32x4.extend_high_i16x8_u(elements), 16), 16)
  }
  for (let i = block; i < count; i++) {
    store<u32>(target + ((<usize>i) << 2), (<u32>load<u16>(source + ((<usize>i) << 1))) << 16)
  }
}

function scaleFour(floats: v128, factors: v128): v128 {
  return toFloats(f64x2.mul(lowDoubles(floats), factors), f64x2.mul(highDoubles(floats), factors))
}

/** The larger magnitude in each lane. It compares the bits as integers, which have the same order as the floats. */
function largerMagnitudes(largest: v128, floats: v128): v128 {
  return i32x4.max_s(largest, v128.and(floats, i32x4.splat(magnitudeBits)))
}

function areSound(largest: v128): bool {
  return !v128.any_true(i32x4.ge_s(largest, i32x4.splat(soundBits)))
}

function lowDoubles(floats: v128): v128 {
  return f64x2.promote_low_f32x4(floats)
}

function highDoubles(floats: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(floats, floats, 1, 0))
}

/** Rounds four float64 to float32. */
function toFloats(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
}

/** from + (to − from) · gain. */
function approach(from: v128, to: v128, gain: v128): v128 {
  return f32x4.add(from, f32x4.mul(f32x4.sub(to, from), gain))
}

/** Replaces magnitudes below `smallest` with zero; keeps NaNs. */
function clearTiny(values: v128, smallest: v128): v128 {
  return v128.andnot(values, f32x4.lt(f32x4.abs(values), smallest))
}

/** Rounds four float32 to bfloat16, each in the lower half of its lane; `seeds` are hashed to the random bits. */
function roundFour(floats: v128, seeds: v128): v128 {
  const chance = i32x4.shr_u(mixFour(seeds), 16)
  const rounded = i32x4.shr_u(i32x4.add(floats, chance), 16)
  const quiet = v128.or(i32x4.shr_u(floats, 16), i32x4.splat(0x40))
  return v128.bitselect(rounded, quiet, f32x4.eq(floats, floats))
}

/** `mix32` of @lockstep/protocol. */
function mixFour(values: v128): v128 {
  let x = values
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d))
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(0x846ca68b))
  return v128.xor(x, i32x4.shr_u(x, 16))
}
