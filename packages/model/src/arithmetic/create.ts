import { LockstepError } from '@lockstep/protocol'
import type { Arithmetic } from './arithmetic.ts'
import { canRunKernels } from './kernels.ts'
import { plainArithmetic } from './plain.ts'
import { createWasmArithmetic } from './wasm.ts'

export type ArithmeticOptions = {
  /** Total size of the vectors to be allocated, each rounded up to 64 bytes. At most 4 GiB are reserved. */
  readonly capacityBytes: number
  /**
   * Total size of the pages to be taken. Only those that are used need memory, and where there are no addresses for
   * them, none can be taken.
   */
  readonly mappedBytes?: number
  /** By default the value of `LOCKSTEP_ARITHMETIC`, or else `wasm` if this machine can run it. */
  readonly kind?: Arithmetic['name']
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * Creates the fastest arithmetic that this machine can run. The kind makes no difference to any result.
 *
 * @throws LockstepError `arithmetic-unknown` for an unknown value of `LOCKSTEP_ARITHMETIC`, `arithmetic-unsupported` if
 *   `wasm` is demanded of a machine without SIMD, `arithmetic-memory` if there is not enough memory,
 *   `arithmetic-missing` if the kernels have not been built.
 */
export function createArithmetic(options: ArithmeticOptions): Arithmetic {
  const { capacityBytes, mappedBytes = 0, kind, environment = process.env } = options
  const demanded = kind ?? demandedKind(environment)
  if (demanded === 'plain') return plainArithmetic
  const found = canRunKernels() ? tryWasm(capacityBytes, mappedBytes) : unsupported()
  if (!(found instanceof LockstepError)) return found
  if (demanded === null) return plainArithmetic
  throw found
}

/** Returns an error for lack of memory; throws any other. */
function tryWasm(capacityBytes: number, mappedBytes: number): Arithmetic | LockstepError {
  try {
    return createWasmArithmetic(capacityBytes, mappedBytes)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    if (mappedBytes > 0) return tryWasm(capacityBytes, 0)
    return new LockstepError('arithmetic-memory', 'there is no memory for the WebAssembly arithmetic', {
      received: cause.message,
      hint: 'Raise the limit on address space (`ulimit -v`), or leave LOCKSTEP_ARITHMETIC away: the results are the same.',
      cause,
    })
  }
}

function unsupported(): LockstepError {
  return new LockstepError('arithmetic-unsupported', 'this machine cannot run WebAssembly SIMD', {
    hint: 'Leave LOCKSTEP_ARITHMETIC away, or set it to plain: the results are the same.',
  })
}

function demandedKind({ LOCKSTEP_ARITHMETIC: name }: NodeJS.ProcessEnv): Arithmetic['name'] | null {
  if (name === undefined || name === '') return null
  if (name === 'wasm' || name === 'plain') return name
  throw new LockstepError('arithmetic-unknown', 'LOCKSTEP_ARITHMETIC names no arithmetic', {
    kind: 'usage',
    expected: 'wasm or plain',
    received: name,
  })
}
