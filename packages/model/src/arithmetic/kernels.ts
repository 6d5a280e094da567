import { readFileSync } from 'node:fs'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'

/** The functions of assembly/kernels.ts. Vectors are passed as addresses in the kernels' memory. */
export type Kernels = {
  /** Like the next three, returns 1 if all elements of the source are sound, otherwise 0. */
  readonly scale: (target: number, source: number, count: number, factor: number) => number
  readonly scaleByFloat: (target: number, source: number, count: number, factor: number) => number
  readonly addScaled: (target: number, sum: number, source: number, count: number, factor: number) => number
  readonly addScaledByFloat: (target: number, sum: number, source: number, count: number, factor: number) => number
  readonly addInto: (target: number, sum: number, addend: number, count: number) => void
  readonly adam: (
    weights: number,
    gradient: number,
    firstMoment: number,
    secondMoment: number,
    start: number,
    end: number,
    keep: number,
    alpha: number,
    epsilon: number,
    gain1: number,
    gain2: number,
  ) => void
  readonly sgd: (
    weights: number,
    gradient: number,
    start: number,
    end: number,
    keep: number,
    learningRate: number,
  ) => void
  readonly sgdWithMomentum: (
    weights: number,
    gradient: number,
    moment: number,
    start: number,
    end: number,
    keep: number,
    learningRate: number,
    momentum: number,
  ) => void
  readonly roundToBfloat16: (source: number, target: number, count: number, key: number, firstIndex: number) => void
  readonly expandBfloat16: (source: number, target: number, count: number) => void
}

/** The part of the WebAssembly interface used here. TypeScript declares it only in its library for browsers. */
type Engine = {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
}

const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly
const pageBytes = 65_536
// 4 GiB, the range of 32-bit addresses.
const maxPages = 65_536

let bytes: Uint8Array | undefined
let module: object | undefined

/** Whether this machine can run the kernels. They need SIMD in the CPU and in the engine. */
export function canRunKernels(): boolean {
  return engine.validate(readKernels())
}

/**
 * Instantiates the kernels with a memory of at least this size, up to 4 GiB. It never grows or moves, so views of it
 * stay valid.
 */
export function openKernels(capacityBytes: number): { readonly kernels: Kernels; readonly buffer: ArrayBuffer } {
  module ??= new engine.Module(readKernels())
  const pages = Math.min(maxPages, Math.ceil(capacityBytes / pageBytes))
  const memory = new engine.Memory({ initial: pages, maximum: pages })
  const { exports } = new engine.Instance(module, { env: { memory } })
  return { kernels: exports as Kernels, buffer: memory.buffer }
}

function readKernels(): Uint8Array {
  bytes ??= readBuilt()
  return bytes
}

/** The build writes the kernels beside the compiled form of this file. The same URL works from the source. */
function readBuilt(): Uint8Array {
  const file = new URL('../../dist/arithmetic/kernels.wasm', import.meta.url)
  try {
    return readFileSync(file)
  } catch (error) {
    if (!hasSystemCode(error, 'ENOENT')) throw error
    throw new LockstepError('arithmetic-missing', 'the WebAssembly arithmetic has not been built', {
      expected: file.pathname,
      hint: 'Run `pnpm build`.',
      cause: error,
    })
  }
}
