import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { SystemMemory } from '@lockstep/protocol'
import type { Provisioned } from './provision.ts'

/** An addon beside the binding that does not depend on TensorFlow. */
export const systemMemoryName = 'memory.node'

/** Loads the addon; null on WebAssembly, where nothing native is built. */
export function loadSystemMemory(provisioned: Provisioned): SystemMemory | null {
  if (provisioned.backend === 'wasm') return null
  return createRequire(import.meta.url)(join(dirname(provisioned.bindingFile), systemMemoryName))
}
