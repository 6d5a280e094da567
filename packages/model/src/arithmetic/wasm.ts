import type { Arithmetic } from './arithmetic.ts'
import { type Kernels, openKernels } from './kernels.ts'
import { plainArithmetic as plain } from './plain.ts'

/** Vectors start at CPU cache lines. */
const alignmentBytes = 64

/**
 * The arithmetic in WebAssembly SIMD on a memory of this size. It leaves vectors outside it to the plain arithmetic.
 */
export function createWasmArithmetic(capacityBytes: number): Arithmetic {
  const { kernels, buffer } = openKernels(capacityBytes)
  const reserve = createReservation(buffer.byteLength)
  const isInside = (vector: Float32Array | Uint16Array) => vector.buffer === buffer

  function allocate(elements: number): Float32Array {
    const at = reserve(elements * Float32Array.BYTES_PER_ELEMENT)
    return at === null ? new Float32Array(elements) : new Float32Array(buffer, at, elements)
  }

  function allocateBfloat16(elements: number): Uint16Array {
    const at = reserve(elements * Uint16Array.BYTES_PER_ELEMENT)
    return at === null ? new Uint16Array(elements) : new Uint16Array(buffer, at, elements)
  }

  function adopt(vector: Float32Array): Float32Array {
    if (isInside(vector)) return vector
    const adopted = allocate(vector.length)
    adopted.set(vector)
    return adopted
  }

  return {
    name: 'wasm',
    allocate,
    allocateBfloat16,
    adopt,
    ...createReductionKernels(kernels, isInside),
    ...createOptimizerKernels(kernels, isInside),
    ...createRoundingKernels(kernels, isInside),
  }
}

type IsInside = (vector: Float32Array | Uint16Array) => boolean

/** Hands out consecutive parts of a memory by their addresses, or null once it is full. Parts are never freed. */
function createReservation(capacityBytes: number): (sizeBytes: number) => number | null {
  let usedBytes = 0
  return sizeBytes => {
    const at = usedBytes
    const end = at + Math.ceil(sizeBytes / alignmentBytes) * alignmentBytes
    if (end > capacityBytes) return null
    usedBytes = end
    return at
  }
}

function createReductionKernels(kernels: Kernels, isInside: IsInside): Pick<Arithmetic, 'scale' | 'addInto'> {
  function scale(vector: Float32Array, factor: number): boolean {
    if (!isInside(vector)) return plain.scale(vector, factor)
    const multiply = Math.fround(factor) === factor ? kernels.scaleByFloat : kernels.scale
    return multiply(vector.byteOffset, vector.length, factor) === 1
  }

  function addInto(sum: Float32Array, addend: Float32Array): void {
    requireLength(addend, sum.length)
    if (!isInside(sum) || !isInside(addend)) return plain.addInto(sum, addend)
    kernels.addInto(sum.byteOffset, addend.byteOffset, sum.length)
  }

  return { scale, addInto }
}

function createOptimizerKernels(kernels: Kernels, isInside: IsInside): Pick<Arithmetic, 'adam' | 'sgd'> {
  const adam: Arithmetic['adam'] = (weights, gradient, firstMoment, secondMoment, factors, stretch) => {
    const vectors = [weights, gradient, firstMoment, secondMoment]
    for (const vector of vectors) requireLength(vector, stretch.end)
    if (!vectors.every(isInside)) return plain.adam(weights, gradient, firstMoment, secondMoment, factors, stretch)
    kernels.adam(
      weights.byteOffset,
      gradient.byteOffset,
      firstMoment.byteOffset,
      secondMoment.byteOffset,
      stretch.start,
      stretch.end,
      stretch.keep,
      factors.alpha,
      factors.epsilon,
      factors.gain1,
      factors.gain2,
    )
  }

  const sgd: Arithmetic['sgd'] = (weights, gradient, moment, factors, stretch) => {
    const vectors = moment === null ? [weights, gradient] : [weights, gradient, moment]
    for (const vector of vectors) requireLength(vector, stretch.end)
    if (!vectors.every(isInside)) return plain.sgd(weights, gradient, moment, factors, stretch)
    const { start, end, keep } = stretch
    const { learningRate, momentum } = factors
    const [w, g] = [weights.byteOffset, gradient.byteOffset]
    if (moment === null) kernels.sgd(w, g, start, end, keep, learningRate)
    else kernels.sgdWithMomentum(w, g, moment.byteOffset, start, end, keep, learningRate, momentum)
  }

  return { adam, sgd }
}

function createRoundingKernels(
  kernels: Kernels,
  isInside: IsInside,
): Pick<Arithmetic, 'roundToBfloat16' | 'expandBfloat16'> {
  function roundToBfloat16(source: Float32Array, target: Uint16Array, key: number, firstIndex = 0): void {
    requireLength(target, source.length)
    if (!isInside(source) || !isInside(target)) return plain.roundToBfloat16(source, target, key, firstIndex)
    kernels.roundToBfloat16(source.byteOffset, target.byteOffset, source.length, key, firstIndex)
  }

  function expandBfloat16(source: Uint16Array, target: Float32Array): void {
    requireLength(target, source.length)
    if (!isInside(source) || !isInside(target)) return plain.expandBfloat16(source, target)
    kernels.expandBfloat16(source.byteOffset, target.byteOffset, source.length)
  }

  return { roundToBfloat16, expandBfloat16 }
}

/** The kernels do not check bounds: past the end of a vector they would overwrite the next one. */
function requireLength(vector: Float32Array | Uint16Array, length: number): void {
  if (vector.length < length) throw new RangeError(`a vector has ${vector.length} elements instead of ${length}`)
}
