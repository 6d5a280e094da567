import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setWasmPaths, version_wasm } from '@tensorflow/tfjs-backend-wasm'

export const wasmVersion: string = version_wasm

/** Registers tfjs's WebAssembly backend, with its files taken from the npm package on this disk. */
export function registerWasm(): void {
  const file = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(join(dirname(file), '/'))
}
