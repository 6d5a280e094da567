import type { Arithmetic } from './arithmetic.ts'
import { type Kernels, openKernels } from './kernels.ts'
import { plainArithmetic as plain } from './plain.ts'

/** Vectors start at CPU cache lines. */
const alignmentBytes = 64
const pageBytes = 4096

/**
 * The arithmetic in WebAssembly SIMD on a memory of this size, the last part of which is for mapped pages. It leaves
 * vectors outside it to the plain arithmetic.
 */
export function createWasmArithmetic(capacityBytes: number, mappedBytes: number): Arithmetic {
  const vectorBytes = Math.ceil(capacityBytes / pageBytes) * pageBytes
  const { kernels, buffer } = openKernels(vectorBytes + mappedBytes)
  const reserve = createReservation(0, Math.min(vectorBytes, buffer.byteLength), alignmentBytes)
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
    ...createPages(buffer, vectorBytes),
    ...createReductionKernels(kernels, isInside),
    ...createOptimizerKernels(kernels, isInside),
    ...createRoundingKernels(kernels, isInside),
  }
}

type IsInside = (vector: Float32Array | Uint16Array) => boolean

/** Hands out consecutive parts of a memory by their addresses, or null once it is full. Parts are never freed. */
function createReservation(
  startBytes: number,
  endBytes: number,
  alignmentBytes: number,
): (sizeBytes: number) => number | null {
  let next = startBytes
  return sizeBytes => {
    const at = next
    const end = at + Math.ceil(sizeBytes / alignmentBytes) * alignmentBytes
    if (end > endBytes) return null
    next = end
    return at
  }
}

/** The memory from `startBytes` on, for pages. Those that are given back are taken again for the same size. */
function createPages(buffer: ArrayBuffer, startBytes: number): Pick<Arithmetic, 'takePages' | 'giveBackPages'> {
  const reserve = createReservation(startBytes, buffer.byteLength, pageBytes)
  const free: Uint8Array[] = []

  function takePages(byteLength: number): Uint8Array | null {
    const at = free.findIndex(pages => pages.byteLength === byteLength)
    if (at >= 0) return free.splice(at, 1)[0]!
    const start = reserve(byteLength)
    return start === null ? null : new Uint8Array(buffer, start, byteLength)
  }

  return { takePages, giveBackPages: pages => free.push(pages) }
}

function createReductionKernels(
  kernels: Kernels,
  isInside: IsInside,
): Pick<Arithmetic, 'scale' | 'addInto' | 'addScaled'> {
  function scale(vector: Float32Array, factor: number, target = vector): boolean {
    requireLength(target, vector.length)
    if (!isInside(target)) return plain.scale(vector, factor, target)
    const source = broughtInside(vector, target)
    const multiply = isFloat32(factor) ? kernels.scaleByFloat : kernels.scale
    return multiply(target.byteOffset, source.byteOffset, vector.length, factor) === 1
  }

  function addInto(sum: Float32Array, addend: Float32Array, target = sum): void {
    for (const vector of [addend, target]) requireLength(vector, sum.length)
    if (![sum, addend, target].every(isInside)) return plain.addInto(sum, addend, target)
    kernels.addInto(target.byteOffset, sum.byteOffset, addend.byteOffset, sum.length)
  }

  function addScaled(sum: Float32Array, vector: Float32Array, factor: number, target: Float32Array): boolean {
    for (const each of [vector, target]) requireLength(each, sum.length)
    if (!isInside(sum) || !isInside(target)) return plain.addScaled(sum, vector, factor, target)
    const source = broughtInside(vector, target)
    const multiply = isFloat32(factor) ? kernels.addScaledByFloat : kernels.addScaled
    return multiply(target.byteOffset, sum.byteOffset, source.byteOffset, sum.length, factor) === 1
  }

  /** Copies a vector from elsewhere to the target, where its elements are going anyway. */
  function broughtInside(vector: Float32Array, target: Float32Array): Float32Array {
    if (isInside(vector)) return vector
    target.set(vector)
    return target
  }

  return { scale, addInto, addScaled }
}

function isFloat32(factor: number): boolean {
  return Math.fround(factor) === factor
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
