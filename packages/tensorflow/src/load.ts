import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import util from 'node:util'
import { LockstepError, reasonOf } from '@lockstep/protocol'
import * as tf from '@tensorflow/tfjs'
import { quietName } from './build-binding.ts'
import { batchNormalizationKernels } from './compile/batch-normalization.ts'
import { keyedBits } from './compile/keyed-bits.ts'
import { replaceStridedFilterGradient } from './compile/strided-filter-gradient.ts'
import type { Backend, Provisioned } from './provision.ts'
import { tfjsNodeFolder } from './tfjs-node.ts'
import { registerWasm } from './wasm/register.ts'

export type LoadedBackend = {
  readonly backend: Backend
  /** For people: `TensorFlow 2.21.0, CPU`. */
  readonly description: string
}

/**
 * Makes the provisioned backend that of `@tensorflow/tfjs` in this thread. Call it in the thread that computes, in a
 * process whose environment includes the variables of `computeEnvironment`.
 * Throws LockstepError `tensorflow-load-failed`.
 */
export async function loadTensorFlow(provisioned: Provisioned): Promise<LoadedBackend> {
  // Production mode turns off tfjs's warning that it runs in Node.
  tf.env().set('PROD', true)
  const { backend, version } = provisioned
  if (provisioned.backend === 'wasm') registerWasm()
  else loadTfjsNode(provisioned.bindingFile)
  await selectBackend(backend)
  return { backend, description: backend === 'wasm' ? 'WebAssembly SIMD' : `TensorFlow ${version}, CPU` }
}

/**
 * tfjs-node asks node-pre-gyp for the path of its binding. This function replaces the answer while tfjs-node loads, so
 * that node_modules stays untouched and processes can use different libraries.
 */
function loadTfjsNode(bindingFile: string): void {
  replaceOldFunctions()
  const requireFromTfjsNode = createRequire(`${tfjsNodeFolder()}/`)
  const preBinding = requireFromTfjsNode('@mapbox/node-pre-gyp/lib/pre-binding.js')
  const find = preBinding.find
  preBinding.find = () => bindingFile
  try {
    keepQuiet(dirname(bindingFile))
    requireFromTfjsNode('.')
    for (const kernel of [keyedBits, ...batchNormalizationKernels]) tf.registerKernel(kernel)
    replaceStridedFilterGradient()
  } catch (error) {
    throw new LockstepError('tensorflow-load-failed', `TensorFlow does not load from ${dirname(bindingFile)}`, {
      received: reasonOf(error),
      hint: 'Remove that folder and start again to have it built anew, or run `pnpm cli doctor`.',
      cause: error,
    })
  } finally {
    preBinding.find = find
  }
}

function keepQuiet(bindingFolder: string): void {
  const file = join(bindingFolder, quietName)
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen
  if (existsSync(file)) process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL)
}

/** tfjs-node 4.22 calls two functions of `util` that Node 22 warns about and Node 23 removed. */
function replaceOldFunctions(): void {
  const functions: Record<string, unknown> = util as never
  functions.isNullOrUndefined = (value: unknown) => value === null || value === undefined
  functions.isArray = Array.isArray
}

async function selectBackend(name: Backend): Promise<void> {
  await tf.setBackend(name)
  await tf.ready()
  if (tf.getBackend() === name) return
  throw new LockstepError('tensorflow-load-failed', `tfjs does not compute on ${name}`, { received: tf.getBackend() })
}
