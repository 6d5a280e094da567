import { readFileSync } from 'node:fs'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'

/** The functions of assembly/kernels.ts. Vectors are given by their addresses in the memory. */
export type Kernels = {
  /** Returns 1 for sound elements, 0 for others; so does the next one. */
  readonly scale: (vector: number, count: number, factor: number) => number
  readonly scaleByFloat: (vector: number, count: number, factor: number) => number
  readonly addInto: (sum: number, addend: number, count: number) => void
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

/** What is used of the JavaScript interface of WebAssembly, which TypeScript knows only together with browsers. */
type Engine = {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
}

const engine = (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly
const pageBytes = 65_536
// Of 32-bit addresses: 4 GiB.
const maxPages = 65_536

let bytes: Uint8Array | undefined
let module: object | undefined

/** Whether this machine can run the kernels: it cannot where the CPU or the engine lacks SIMD. */
export function canRunKernels(): boolean {
  return engine.validate(readKernels())
}

/** The kernels over a memory of their own of about this size, which never moves: views of it stay valid. */
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

/** The build puts them beside what it makes of this file; the same address serves the source. */
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
