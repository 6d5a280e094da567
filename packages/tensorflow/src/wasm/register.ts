import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import { registerKernel, unregisterKernel } from '@tensorflow/tfjs'
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm'
import { batchMatMul } from './batch-mat-mul.ts'
import { conv2dBackpropFilter } from './conv2d-backprop-filter.ts'
import { conv2dBackpropInput } from './conv2d-backprop-input.ts'

export const wasmVersion: string = version_wasm

let registered = false

/**
 * Registers tfjs's WebAssembly backend with the files of its npm package on this disk, and additional kernels for
 * training: the filter gradient of a convolution, which it lacks, and faster versions of kernels that use plain loops.
 */
export function registerWasm(): void {
  if (registered) return
  registered = true
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(dirname(main) + sep)
  registerKernel(conv2dBackpropFilter)
  for (const kernel of [conv2dBackpropInput(), batchMatMul()]) {
    unregisterKernel(kernel.kernelName, kernel.backendName)
    registerKernel(kernel)
  }
}
